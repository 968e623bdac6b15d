"""Items, integrations and inventories in the document store, and the queue of what must be matched."""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from matcher.catalogue.documents import (
    integration_document,
    integration_from,
    inventory_document,
    inventory_from,
    item_document,
    item_from,
)
from matcher.catalogue.indexes import INTEGRATIONS, INVENTORIES
from matcher.catalogue.inventory import Inventory
from matcher.catalogue.item_order import FoundItems, PageBounds
from matcher.catalogue.item_pages import ItemPages
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels
from matcher.catalogue.search import LONG_AGO, ItemQuery, StateFilter
from shared.contracts.topic_checksum import ChecksumSum, TopicChecksum
from shared.mongo import Document, Documents, Mongo, Session
from shared.work_queue import WorkQueue

_KEYS_PER_WORK_ITEM = 500
"""The most that one batch of observations holds (`shared.kafka.pipeline`): a batch becomes one document."""


def match_queue(mongo: Mongo) -> WorkQueue:
    """Returns the queue of items, and of whole integrations, that must be matched again."""
    return WorkQueue(mongo, keys_per_item=_KEYS_PER_WORK_ITEM)


class MongoCatalogue:
    """The items and integrations of all tenants."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo, self._queue, self._pages = mongo, match_queue(mongo), ItemPages(mongo)

    async def store_newer_items(self, items: Sequence[Item]) -> None:
        collection = attrgetter("tenant_id", "kind")
        for (tenant_id, kind), group in groupby(sorted(items, key=collection), key=collection):
            rows = self._mongo.documents(kind, tenant_id)
            await rows.upsert_newer((item_document(item) for item in group), keep={"first_seen_at": LONG_AGO})

    async def store_newer_integrations(self, integrations: Sequence[IntegrationInfo]) -> None:
        tenant = attrgetter("tenant_id")
        for tenant_id, group in groupby(sorted(integrations, key=tenant), key=tenant):
            documents = (integration_document(integration) for integration in group)
            await self._mongo.documents(INTEGRATIONS, tenant_id).upsert_newer(documents)

    async def store_newer_inventories(self, inventories: Sequence[Inventory]) -> None:
        for inventory in inventories:  # a run has two
            rows = self._mongo.documents(INVENTORIES, inventory.tenant_id)
            await rows.upsert_newer([inventory_document(inventory)])

    async def unverified_inventories(self) -> list[Inventory]:
        rows = await self._mongo.all_tenants(INVENTORIES).find({"verified": False})
        return [inventory_from(row) for row in rows]

    async def stored_checksum(self, inventory: Inventory) -> TopicChecksum:
        # Without a transaction: items move forward only, so what fits was there together once.
        checksum = ChecksumSum(inventory.stated.topic)
        rows = self._mongo.documents(inventory.kind, inventory.tenant_id)
        of_integration = {"integration_id": inventory.integration_id}
        async for row in rows.stream(of_integration, fields=["revision"]):
            checksum.add(row["_id"], row["revision"])
        return checksum.result

    async def is_outdated(self, inventory: Inventory) -> bool:
        rows = self._mongo.documents(inventory.kind, inventory.tenant_id)
        return bool(await rows.find(_newer_than(inventory), limit=1, fields=["_id"]))

    async def enqueue(self, tenant_id: str, lane: str, keys: Iterable[str]) -> None:
        await self._queue.enqueue(tenant_id, lane, keys)

    async def page(self, query: ItemQuery, states: StateFilter | None, bounds: PageBounds) -> FoundItems:
        return await self._pages.page(query, states, bounds)

    async def names(self, tenant_id: str, kind: ItemKind, keys: Collection[str]) -> dict[str, str]:
        rows = await self._mongo.documents(kind, tenant_id).find_in("_id", keys, fields=["name"])
        return {row["_id"]: row["name"] for row in rows}


class TenantCatalogue:
    """One tenant's items and integrations inside a transaction; all reads share its session."""

    def __init__(self, mongo: Mongo, tenant_id: str, session: Session) -> None:
        self._mongo, self._tenant_id, self._session = mongo, tenant_id, session

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]:
        return [item_from(kind, row) for row in await self._find_in(kind, "_id", keys)]

    async def items_labelled(self, kind: ItemKind, labels: Labels) -> list[Item]:
        # A query for each rather than one `$or`: each has its own index.
        rows = await self._find_in(kind, "name", labels.names)
        rows += await self._find_in(kind, "normal_name", labels.normal_names)
        rows += await self._find_in(kind, "part_number", labels.codes)
        return list({row["_id"]: item_from(kind, row) for row in rows}.values())

    async def keys_of_integration(self, kind: ItemKind, integration_id: str) -> list[str]:
        of_integration = {"integration_id": integration_id}
        rows = await self._rows(kind).find(of_integration, fields=["_id"], session=self._session)
        return [row["_id"] for row in rows]

    async def integrations(self) -> dict[str, IntegrationInfo]:
        rows = await self._rows(INTEGRATIONS).find(session=self._session)
        return {row["integration_id"]: integration_from(row) for row in rows}

    async def settled_integrations(self, kind: ItemKind) -> frozenset[str]:
        rows = await self._rows(INVENTORIES).find({"kind": kind, "verified": True}, session=self._session)
        return frozenset([row["integration_id"] for row in rows if not await self._is_outdated(row)])

    async def _is_outdated(self, row: Document) -> bool:
        inventory, session = inventory_from(row), self._session
        rows = self._rows(inventory.kind)
        return bool(await rows.find(_newer_than(inventory), limit=1, fields=["_id"], session=session))

    def _rows(self, collection: str) -> Documents:
        return self._mongo.documents(collection, self._tenant_id)

    async def _find_in(self, collection: str, field: str, values: Collection[str]) -> list[Document]:
        return await self._rows(collection).find_in(field, values, session=self._session)


def _newer_than(inventory: Inventory) -> Document:
    """Returns the filter for items that were stated after all that the inventory holds."""
    return {
        "integration_id": inventory.integration_id,
        "revision": {"$gt": inventory.stated.newest_revision},
    }
