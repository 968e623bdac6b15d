"""Counts how far a mapping has come by indexes alone, without reading a tenant's items."""

# Invariant: the numbers are those of `progress_of` over all present items and all decisions. An index counts
# decisions, not items, and what is decided on an item that no list shows (it is gone, or was never stored) is
# in no state; these are few, so they are read and taken off:
#
#   present A B C D    approved A B F    excluded C    F is gone   → mapped 3 - 1, excluded 1, unmapped 4 - 3
#   proposed for B, D  B is decided on: its proposals go with the next pass   → suggested 2 - 1
#
# All is counted in one transaction: of two moments the states would not add up to the total.

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from matcher.catalogue.items import VENDOR_KINDS
from matcher.catalogue.missing_items import MissingItems
from matcher.catalogue.search import ItemEnd, MappingState
from matcher.finishing.progress import Progress, ProgressQuery
from matcher.mappings.indexes import MAPPINGS
from matcher.proposals.suggestions import PROPOSALS
from shared.contracts.matcher import MappingDecision, MappingMethod
from shared.mongo import Document, Documents, Mongo, Session


async def count_progress(mongo: Mongo, query: ProgressQuery) -> Progress:
    """Returns the numbers of a query without a search, as they are at one moment."""

    async def count(session: Session) -> Progress:
        return await _Counting(mongo, query, session).progress()

    return await mongo.transaction(count)


@dataclass(frozen=True, slots=True)
class _Counting:
    """Counts for one query inside one transaction."""

    mongo: Mongo
    query: ProgressQuery
    session: Session

    async def progress(self) -> Progress:
        absent = await self._absent()
        decided = [row for row in await self._decided(absent) if _end(row) in absent]
        methods = await self._methods(decided)
        gone = Counter(row["decision"] for row in decided)
        excluded = await self._count_decided(MappingDecision.EXCLUDED) - gone[MappingDecision.EXCLUDED]
        total = await self._count_items()
        mapped = sum(methods.values())
        return Progress(
            total=total,
            states={
                MappingState.UNMAPPED: total - mapped - excluded,
                MappingState.MAPPED: mapped,
                MappingState.EXCLUDED: excluded,
            },
            methods=methods,
            to_other_psa=mapped - await self._to_this_psa(decided) if self.query.psa_integration_id else 0,
            suggested=await self._suggested(absent),
            new=await self._new() if self.query.since else None,
            usable=total - await self._count_items(usable=False),
        )

    async def _absent(self) -> set[ItemEnd]:
        """Returns the items that no list shows: those that are gone, and that were never stored."""
        kind = VENDOR_KINDS[self.query.kind]
        filter_ = {"present": False, **self._of_vendor("integration_id")}
        fields = ["integration_id", "item_id"]
        gone = await self._items().find(filter_, fields=fields, session=self.session)
        missing = await MissingItems(self.mongo, self.query.tenant_id, self.session).ends(kind)
        return missing | {(row["integration_id"], row["item_id"]) for row in gone}

    async def _decided(self, absent: Collection[ItemEnd]) -> list[Document]:
        where = {"kind": self.query.kind.value, **self._of_vendor("vendor_integration_id")}
        fields = ["vendor_integration_id", "vendor_id", "decision", "method", "psa_integration_id"]
        ids = {id_ for _, id_ in absent}
        return await self._mappings().find_in(
            "vendor_id", ids, where=where, fields=fields, session=self.session
        )

    async def _methods(self, decided: Collection[Document]) -> dict[MappingMethod, int]:
        gone = Counter(MappingMethod(row["method"]) for row in decided if _is_approved(row))
        return {
            method: await self._count_decided(MappingDecision.APPROVED, method=method.value) - gone[method]
            for method in MappingMethod
        }

    async def _to_this_psa(self, decided: Collection[Document]) -> int:
        psa_id = self.query.psa_integration_id
        counts = [
            await self._count_decided(
                MappingDecision.APPROVED, method=method.value, psa_integration_id=psa_id
            )
            for method in MappingMethod
        ]
        gone = [row for row in decided if _is_approved(row) and row["psa_integration_id"] == psa_id]
        return sum(counts) - len(gone)

    async def _suggested(self, absent: Collection[ItemEnd]) -> int:
        rows = self.mongo.documents(PROPOSALS, self.query.tenant_id)
        kind, vendor = self.query.kind.value, self._of_vendor("vendor_integration_id")
        waiting = {"kind": kind, "is_empty": False}
        number = await rows.count({**waiting, **vendor}, session=self.session)
        if not number:
            return 0
        fields = ["vendor_integration_id", "vendor_id"]
        decided = await rows.find(
            {**waiting, "is_decided": True, **vendor}, fields=fields, session=self.session
        )
        ids = {id_ for _, id_ in absent}
        where = {**waiting, **vendor}
        found = await rows.find_in("vendor_id", ids, where=where, fields=fields, session=self.session)
        return number - len(
            {row["_id"] for row in decided} | {row["_id"] for row in found if _end(row) in absent}
        )

    async def _new(self) -> int:
        since = {"first_seen_at": {"$gte": self.query.since}}
        if not self.query.vendor_integration_id:
            return await self._items().count({"present": True, **since}, session=self.session)
        return sum([await self._count_items(usable=usable, **since) for usable in (True, False)])

    async def _count_items(self, **more: object) -> int:
        filter_ = {"present": True, **self._of_vendor("integration_id"), **more}
        return await self._items().count(filter_, session=self.session)

    async def _count_decided(self, decision: MappingDecision, **more: object) -> int:
        of_vendor = self._of_vendor("vendor_integration_id")
        filter_ = {"kind": self.query.kind.value, **of_vendor, "decision": decision.value, **more}
        return await self._mappings().count(filter_, session=self.session)

    def _of_vendor(self, field: str) -> Document:
        vendor_id = self.query.vendor_integration_id
        return {field: vendor_id} if vendor_id else {}

    def _items(self) -> Documents:
        return self.mongo.documents(VENDOR_KINDS[self.query.kind], self.query.tenant_id)

    def _mappings(self) -> Documents:
        return self.mongo.documents(MAPPINGS, self.query.tenant_id)


def _end(row: Document) -> ItemEnd:
    return row["vendor_integration_id"], row["vendor_id"]


def _is_approved(row: Document) -> bool:
    return bool(row["decision"] == MappingDecision.APPROVED)
