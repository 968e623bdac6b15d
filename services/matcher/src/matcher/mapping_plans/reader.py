"""One tenant's items, mappings and their history, as plans and versions read them."""

from collections.abc import Collection, Sequence
from contextlib import aclosing
from datetime import datetime

from matcher.catalogue.documents import integration_from, item_from
from matcher.catalogue.indexes import INTEGRATIONS
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.mapping_plans.ports import Pages
from matcher.mappings.decisions import NOTHING_DECIDED, replaced_by_next
from matcher.mappings.documents import mapping_from, reservation_from
from matcher.mappings.indexes import HISTORY, MAPPINGS, TURNS
from matcher.mappings.models import PsaItemRef, Reservation
from matcher.mappings.search import MappingQuery
from shared.contracts.matcher import MappingDecided, MappingDecision, ReplacedDecision
from shared.mongo import Document, Documents, Mongo

_MAPPINGS_PER_PAGE = 500


class MongoPlanReader:
    """Reads outside a transaction: each read may see another moment; what is decided is judged again."""

    def __init__(self, mongo: Mongo, tenant_id: str) -> None:
        self._mongo, self.tenant_id = mongo, tenant_id

    async def integrations(self) -> dict[str, IntegrationInfo]:
        return {row["integration_id"]: integration_from(row) for row in await self._rows(INTEGRATIONS).find()}

    async def items(self, kind: ItemKind, keys: Collection[str]) -> list[Item]:
        return [item_from(kind, row) for row in await self._rows(kind).find_in("_id", keys)]

    async def items_called(self, kind: ItemKind, field: str, values: Collection[str]) -> list[Item]:
        rows = await self._rows(kind).find_in(field, values, where={"present": True})
        return [item_from(kind, row) for row in rows]

    async def usable_items(self, kind: ItemKind, integration_id: str) -> list[Item]:
        usable = {"integration_id": integration_id, "present": True, "usable": True}
        return [item_from(kind, row) for row in await self._rows(kind).find(usable)]

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]:
        return {row["_id"]: mapping_from(row) for row in await self._rows(MAPPINGS).find_in("_id", keys)}

    def stream(self, query: MappingQuery) -> Pages:
        names = ("kind", "decision", "vendor_integration_id")
        return self._pages({name: str(value) for name in names if (value := getattr(query, name))})

    def changed_since(self, cut: int, after: str | None = None) -> Pages:
        return self._pages({"revision": {"$gt": cut}}, after)

    def mapped_to(self, provider: str, realm: str) -> Pages:
        ends = {"psa_provider": provider, "psa_realm": realm}
        return self._pages({**ends, "decision": MappingDecision.APPROVED.value})

    async def former_targets(
        self, keys: Collection[str], integration_id: str
    ) -> dict[str, tuple[PsaItemRef, datetime]]:
        approved = {"psa_integration_id": integration_id, "decision": MappingDecision.APPROVED.value}
        rows = await self._rows(HISTORY).find_in("key", keys, where=approved)
        newest: dict[str, MappingDecided] = {}
        for mapping in map(mapping_from, rows):
            if mapping.key not in newest or newest[mapping.key].revision < mapping.revision:
                newest[mapping.key] = mapping
        return {
            key: (PsaItemRef(integration_id, one.psa_id), one.decided_at)
            for key, one in newest.items()
            if one.psa_id
        }

    async def states_at(
        self, mappings: Sequence[MappingDecided], cut: int
    ) -> dict[str, ReplacedDecision | None]:
        later = {mapping.key: mapping for mapping in mappings if mapping.revision > cut}
        states = {one.key: replaced_by_next(one) for one in mappings if one.revision <= cut}
        history: dict[str, list[MappingDecided]] = {}
        for row in await self._rows(HISTORY).find_in("key", later):
            history.setdefault(row["key"], []).append(mapping_from(row))
        return states | {key: _state_at([*history.get(key, ()), one], cut) for key, one in later.items()}

    async def reservation(self) -> Reservation | None:
        row = await self._rows(TURNS).get(self.tenant_id)
        return reservation_from(row["reserved"]) if row and row.get("reserved") else None

    async def _pages(self, filter_: Document, after: str | None = None) -> Pages:
        behind: Document = {"_id": {"$gt": after}} if after else {}
        page: list[MappingDecided] = []
        rows = self._rows(MAPPINGS).stream({**filter_, **behind}, sort=[("_id", 1)])
        async with aclosing(rows):
            async for row in rows:
                page.append(mapping_from(row))
                if len(page) == _MAPPINGS_PER_PAGE:
                    yield page
                    page = []
        if page:
            yield page

    def _rows(self, collection: str) -> Documents:
        return self._mongo.documents(collection, self.tenant_id)


def _state_at(decisions: Sequence[MappingDecided], cut: int) -> ReplacedDecision | None:
    """Returns what stood by revisions up to `cut`; None where that was not kept."""
    ordered = sorted(decisions, key=lambda one: one.revision)
    before = [one for one in ordered if one.revision <= cut]
    if before:
        return replaced_by_next(before[-1])
    replaced = ordered[0].replaced  # the first one after the cut tells it, without a history
    if replaced is None or replaced.revision > cut:
        return None
    return NOTHING_DECIDED if replaced.revision == 0 else replaced
