"""For which items something is proposed, and what, as lists ask for it."""

from collections.abc import Collection

from matcher.catalogue.items import ItemKind
from matcher.catalogue.search import ItemEnd
from matcher.proposals.documents import proposed_from
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingsProposed, ProposedItem
from shared.mongo import Document, Mongo

PROPOSALS = "proposals"


class MongoSuggestions:
    """The proposals of all tenants, read outside a transaction: what is read may be a moment old."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def suggested_items(self, tenant_id: str, kind: ItemKind) -> set[ItemEnd]:
        if kind.side is Side.PSA:
            return set()
        waiting = {"kind": kind.mapping_kind.value, "is_empty": False}
        fields = ["vendor_integration_id", "vendor_id"]
        rows = await self._mongo.documents(PROPOSALS, tenant_id).find(waiting, fields=fields)
        return {(row["vendor_integration_id"], row["vendor_id"]) for row in rows}

    async def best_proposals(
        self, tenant_id: str, kind: ItemKind, ends: Collection[ItemEnd]
    ) -> dict[ItemEnd, ProposedItem]:
        if kind.side is Side.PSA:
            return {}
        waiting = {"kind": kind.mapping_kind.value, "is_empty": False}
        rows = self._mongo.documents(PROPOSALS, tenant_id)
        found = await rows.find_in("vendor_id", {id_ for _, id_ in ends}, where=waiting)
        stated = [proposed_from(row) for row in found]
        best = {(one.vendor_integration_id, one.vendor_id): one.proposals[0] for one in stated}
        return {end: best[end] for end in ends if end in best}

    async def proposals_with(self, tenant_id: str, kind: ItemKind, end: ItemEnd) -> dict[ItemEnd, int]:
        mapping_kind, side = kind.mapping_kind.value, kind.side
        filter_: Document = {"kind": mapping_kind, "psa_items": key_of(*end)}
        if side is Side.VENDOR:
            filter_ = {"kind": mapping_kind, "vendor_id": end[1], "vendor_integration_id": end[0]}
        stated = [
            proposed_from(row) for row in await self._mongo.documents(PROPOSALS, tenant_id).find(filter_)
        ]
        return {
            psa_end(item) if side is Side.VENDOR else _vendor_end(one): item.probability_per_mille
            for one in stated
            for item in one.proposals
            if end in (_vendor_end(one), psa_end(item))
        }


def _vendor_end(stated: MappingsProposed) -> ItemEnd:
    return stated.vendor_integration_id, stated.vendor_id


def psa_end(item: ProposedItem) -> ItemEnd:
    return item.psa_integration_id, item.psa_id
