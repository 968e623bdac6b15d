"""Lines that nothing compares and their sums in the document store; only this knows their fields."""

# Invariant: the sum of an account or a service is that of the unmapped lines that are stored. Both are
# written in one transaction, and by what a line was, which is read in there, and what it is now; so a line
# that comes twice, late or out of order counts once:
#
#   stored: l1 r5 60 USD, account a 60 USD      l1 r7 80 USD → a + 80 - 60     l1 r5 again → nothing
#   l1 r8 has a target → its row says only that, and a has no sum any more
#
# What is left of a closed line is its revision, for a week: longer no older word of it is on its way.

from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal

from matcher.uncompared_usage.models import StatedLine, UncomparedLine, UsageSum
from shared.contracts.base import key_of
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingKind
from shared.mongo import Document, Index, Mongo, Put, Remove, Session
from shared.runtime.clock import Clock, utc_now

LINES = "uncompared_lines"
SUMS = "uncompared_sums"
"""By kind of mapping and vendor item."""

USAGE_INDEXES = (
    Index(LINES, [("tenant_id", 1), ("vendor_integration_id", 1)]),
    Index(LINES, [("closed_at", 1)], ttl=timedelta(days=7)),
    Index(SUMS, [("tenant_id", 1), ("kind", 1)]),
)

_Ends = tuple[MappingKind, str, str]
"""The kind of a mapping, an integration and a vendor item."""


class MongoUncomparedUsage:
    """The read model of all tenants."""

    def __init__(self, mongo: Mongo, clock: Clock = utc_now) -> None:
        self._mongo, self._clock = mongo, clock

    async def store_newer(self, tenant_id: str, states: Sequence[StatedLine]) -> None:
        newest = {one.key: one for one in sorted(states, key=lambda one: one.revision)}

        async def store(session: Session) -> None:
            rows = self._mongo.documents(LINES, tenant_id)
            stored = await rows.get_many(newest, session=session)
            newer = [one for key, one in newest.items() if _is_newer(one, stored.get(key))]
            if not newer:
                return
            replaced = [_line_from(stored[one.key]) for one in newer if one.key in stored]
            await self._add(tenant_id, [one.line for one in newer], replaced, session)
            await rows.bulk([Put(self._document(one)) for one in newer], session=session)

        await self._mongo.transaction(store)

    async def sums(
        self, tenant_id: str, kind: MappingKind, ends: Collection[tuple[str, str]]
    ) -> dict[tuple[str, str], UsageSum]:
        """Returns the sums of those of the vendor items that have any, by integration and id."""
        id_by_end = {end: _sum_id(tenant_id, (kind, *end)) for end in ends}
        found = await self._mongo.documents(SUMS, tenant_id).get_many(id_by_end.values())
        return {end: _sum_from(found[id_]) for end, id_ in id_by_end.items() if id_ in found}

    async def ranks(self, tenant_id: str, kind: MappingKind) -> dict[str, str]:
        """Returns the ranks of all vendor items that have a sum, by the key of the item."""
        rows = self._mongo.documents(SUMS, tenant_id).stream({"kind": kind.value}, fields=["item", "rank"])
        return {row["item"]: row["rank"] async for row in rows}

    async def unmapped_lines(
        self, tenant_id: str, vendor_integration_id: str
    ) -> AsyncGenerator[UncomparedLine, None]:
        """Yields the vendor's lines for which a mapping is missing."""
        filter_ = {"vendor_integration_id": vendor_integration_id}
        async with aclosing(self._mongo.documents(LINES, tenant_id).stream(filter_)) as rows:
            async for row in rows:
                line = _line_from(row)
                if line is not None and line.is_unmapped:
                    yield line

    async def _add(
        self,
        tenant_id: str,
        new: Iterable[UncomparedLine | None],
        replaced: Iterable[UncomparedLine | None],
        session: Session,
    ) -> None:
        added, taken = _by_end(new), _by_end(replaced)
        end_by_id = {_sum_id(tenant_id, end): end for end in sorted({*added, *taken})}
        rows = self._mongo.documents(SUMS, tenant_id)
        stored = await rows.get_many(end_by_id, session=session)
        changes: list[Put | Remove] = []
        for id_, end in end_by_id.items():
            total = _sum_from(stored[id_]) if id_ in stored else UsageSum()
            for line in taken.get(end, ()):
                total = total.minus(line)
            for line in added.get(end, ()):
                total = total.plus(line)
            is_kept = total.lines > 0
            changes.append(Put(_sum_document(tenant_id, end, total)) if is_kept else Remove({"_id": id_}))
        await rows.bulk(changes, session=session)

    def _document(self, state: StatedLine) -> Document:
        line, common = state.line, {"_id": state.key, "revision": state.revision}
        if line is None:
            return {**common, "closed_at": self._clock()}
        return {
            **common,
            "vendor_integration_id": line.vendor_integration_id,
            "account_id": line.account_id,
            "service_id": line.service_id,
            "class": line.line_class.value,
            "seats": None if line.seats is None else str(line.seats),
            "amount": None if line.amount is None else str(line.amount),
            "currency": line.currency,
            "unknown_because": line.unknown_because,
        }


def _is_newer(state: StatedLine, stored: Document | None) -> bool:
    return stored is None or bool(stored["revision"] < state.revision)


def _by_end(lines: Iterable[UncomparedLine | None]) -> Mapping[_Ends, list[UncomparedLine]]:
    """Returns the unmapped lines by the account, and by the service, that they are summed for."""
    by_end: defaultdict[_Ends, list[UncomparedLine]] = defaultdict(list)
    for line in lines:
        if line is None or not line.is_unmapped:
            continue
        by_end[MappingKind.ACCOUNT, line.vendor_integration_id, line.account_id].append(line)
        if line.service_id is not None:
            by_end[MappingKind.SERVICE, line.vendor_integration_id, line.service_id].append(line)
    return by_end


def _line_from(row: Document) -> UncomparedLine | None:
    if "closed_at" in row:
        return None
    return UncomparedLine(
        vendor_integration_id=row["vendor_integration_id"],
        account_id=row["account_id"],
        service_id=row["service_id"],
        line_class=LineClass(row["class"]),
        seats=None if row["seats"] is None else Decimal(row["seats"]),
        amount=None if row["amount"] is None else Decimal(row["amount"]),
        currency=row["currency"],
        unknown_because=row["unknown_because"],
    )


def _sum_id(tenant_id: str, end: _Ends) -> str:
    return f"{end[0]}/{key_of(tenant_id, *end[1:])}"


def _sum_document(tenant_id: str, end: _Ends, total: UsageSum) -> Document:
    return {
        "_id": _sum_id(tenant_id, end),
        "kind": end[0].value,
        "item": key_of(tenant_id, *end[1:]),
        "lines": total.lines,
        "seats": str(total.seats),
        # A list: the name of a currency may hold what no field of a document may be called.
        "money": [[currency, str(amount)] for currency, amount in sorted(total.money.items())],
        "without_estimate": total.without_estimate,
        "rank": total.rank,
    }


def _sum_from(row: Document) -> UsageSum:
    return UsageSum(
        lines=row["lines"],
        seats=Decimal(row["seats"]),
        money={currency: Decimal(amount) for currency, amount in row["money"]},
        without_estimate=row["without_estimate"],
    )
