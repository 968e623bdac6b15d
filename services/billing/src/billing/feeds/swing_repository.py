"""Keeps what runs have made of lines, and counts what there was before them."""

# Invariant: what a run makes of a line is one swing, against what was believed before the run, however often
# the line was read during it.
#
#   run r9: line 7 from 10 to 6, then from 6 to 0   → one swing, 10 → 0

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from decimal import Decimal

from billing.feeds.models import FeedSize, LineSwing, RunRef
from shared.contracts.base import key_of
from shared.contracts.fields import plain
from shared.mongo import Change, Document, Index, Mongo, Put, Remove, Session
from shared.runtime.clock import utc_now

_SWINGS, _LINES = "feed_swings", "usage_lines"
_SWING_LIFE = timedelta(days=40)
"""Longer than any run can take."""

SWING_INDEXES = (Index(_SWINGS, [("run", 1)]), Index(_SWINGS, [("at", 1)], ttl=_SWING_LIFE))


class SwingRepository:
    """Stores the swings of runs."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def of_run(self, tenant_id: str, run: RunRef) -> dict[str, LineSwing]:
        """Returns what a run has made of lines so far, by line id."""
        rows = await self._mongo.documents(_SWINGS, tenant_id).find({"run": run_key(tenant_id, run)})
        return {row["line_id"]: _swing(row) for row in rows}

    async def store(
        self, tenant_id: str, run: RunRef, swings: Mapping[str, LineSwing | None], *, session: Session
    ) -> None:
        """Stores what a run makes of lines by now, and forgets it of those that it does not change."""
        changes = [_change(tenant_id, run, *item) for item in swings.items()]
        await self._mongo.documents(_SWINGS, tenant_id).bulk(changes, session=session)

    async def size(self, tenant_id: str, integration_id: str, swings: Collection[LineSwing]) -> FeedSize:
        """Returns how much there was before these swings, on the side of the integration."""
        lines, money = 0, defaultdict[str, Decimal](Decimal)
        swung = {swing.line_id for swing in swings}
        fields = ["line_id", "psa_integration_id", "last_vendor", "last_psa", "unit_price", "currency"]
        rows = self._mongo.documents(_LINES, tenant_id)
        async for row in rows.stream({"integration_ids": integration_id, "present": True}, fields=fields):
            side = "last_psa" if row["psa_integration_id"] == integration_id else "last_vendor"
            number = Decimal(row.get(side) or 0)
            if row["line_id"] not in swung and number > 0:
                lines += 1
                if row.get("unit_price") and row.get("currency"):
                    money[row["currency"]] += number * Decimal(row["unit_price"])
        for swing in swings:
            if swing.before > 0:
                lines += 1
                if swing.unit_price is not None and swing.currency is not None:
                    money[swing.currency] += swing.before * swing.unit_price
        return FeedSize(lines, money)


def _swing(row: Document) -> LineSwing:
    price = row["unit_price"]
    return LineSwing(
        row["line_id"],
        Decimal(row["before"]),
        Decimal(row["after"]),
        None if price is None else Decimal(price),
        row["currency"],
    )


def _change(tenant_id: str, run: RunRef, line_id: str, swing: LineSwing | None) -> Change:
    key = run_key(tenant_id, run)
    id_ = f"{key}/{line_id}"
    if swing is None:
        return Remove({"_id": id_})
    return Put(
        {
            "_id": id_,
            "run": key,
            "line_id": line_id,
            "before": plain(swing.before),
            "after": plain(swing.after),
            "unit_price": None if swing.unit_price is None else plain(swing.unit_price),
            "currency": swing.currency,
            "at": utc_now(),
        }
    )


def run_key(tenant_id: str, run: RunRef) -> str:
    return key_of(tenant_id, run.integration_id, run.run_id)
