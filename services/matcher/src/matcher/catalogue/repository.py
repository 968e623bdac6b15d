"""What people browse, read without a turn."""

import re
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing

from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.search import ItemQuery, MappingQuery, MappingState, SortKey, folded
from matcher.mappings.documents import item_from, mapping_from
from matcher.mappings.indexes import MAPPINGS
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.mongo import Document, Mongo

_ORDER = (("folded", 1), ("_id", 1))


class MongoCatalogue:
    """Pages of items and mappings."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def items(self, wanted: ItemQuery, after: SortKey | None, limit: int) -> list[Item]:
        rows = self._mongo.documents(wanted.shelf, wanted.tenant_id)
        of = {**_filter(wanted), **_behind(after)}
        if wanted.standing is None:
            found = await rows.find(of, sort=_ORDER, limit=limit)
        else:
            fits = await self._fitting(wanted, wanted.standing)
            found = await _first(rows.stream(of, sort=_ORDER), fits, limit)
        return [item_from(wanted.shelf, row) for row in found]

    async def names(self, tenant_id: str, shelf: ItemKind, keys: Collection[str]) -> dict[str, str]:
        rows = await self._mongo.documents(shelf, tenant_id).find_in("_id", keys, fields=["name"])
        return {row["_id"]: row["name"] for row in rows}

    async def mappings(self, wanted: MappingQuery, after: str | None, limit: int) -> list[MappingDecided]:
        of: Document = {"_id": {"$gt": after}} if after else {}
        for field in ("kind", "decision", "vendor_integration_id"):
            if value := getattr(wanted, field):
                of[field] = str(value)
        rows = await self._mongo.documents(MAPPINGS, wanted.tenant_id).find(
            of, sort=[("_id", 1)], limit=limit
        )
        return [mapping_from(row) for row in rows]

    async def mappings_of(
        self, tenant_id: str, shelf: ItemKind, ids: Collection[str]
    ) -> list[MappingDecided]:
        field = "vendor_id" if shelf.side is Side.VENDOR else "psa_id"
        rows = self._mongo.documents(MAPPINGS, tenant_id)
        found = await rows.find_in(field, ids, where={"kind": shelf.kind.value})
        return [mapping_from(row) for row in found]

    async def _fitting(self, wanted: ItemQuery, standing: MappingState) -> Callable[[Document], bool]:
        """Where an item stands is kept with the mappings alone, so nothing can fall out of step with them."""
        side, mapped = wanted.shelf.side, [MappingDecision.APPROVED.value]
        decisions = {
            MappingState.MAPPED: mapped,
            MappingState.EXCLUDED: [MappingDecision.EXCLUDED.value] if side is Side.VENDOR else [],
            MappingState.UNMAPPED: [*mapped, MappingDecision.EXCLUDED.value]
            if side is Side.VENDOR
            else mapped,
        }[standing]
        ends = [f"{side}_integration_id", f"{side}_id"]
        decided = await self._mongo.documents(MAPPINGS, wanted.tenant_id).find(
            {"kind": wanted.shelf.kind.value, "decision": {"$in": decisions}}, fields=ends
        )
        among_them = {tuple(row[end] for end in ends) for row in decided}
        inside = standing is not MappingState.UNMAPPED
        return lambda row: ((row["integration_id"], row["item_id"]) in among_them) is inside


async def _first(
    rows: AsyncGenerator[Document, None], fits: Callable[[Document], bool], limit: int
) -> list[Document]:
    found: list[Document] = []
    async with aclosing(rows):
        async for row in rows:
            if fits(row):
                found.append(row)
            if len(found) == limit:
                break
    return found


def _filter(wanted: ItemQuery) -> Document:
    found: Document = {"present": True}
    if wanted.integration_id:
        found["integration_id"] = wanted.integration_id
    if wanted.search:
        # As typed: what a person searches for is text, never a pattern.
        found["searched"] = {"$regex": re.escape(folded(wanted.search))}
    return found


def _behind(after: SortKey | None) -> Document:
    if after is None:
        return {}
    further = [{"folded": {"$gt": after.folded}}, {"_id": {"$gt": after.key}}]
    return {"folded": {"$gte": after.folded}, "$or": further}
