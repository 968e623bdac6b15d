"""The document store's time, for moments that several replicas must agree on."""

# Invariant: a moment that is told is never later than the store's own time when the caller has it, and behind
# it by at most `_LONGEST_ANSWER`. The store is asked seldom; in between this machine's monotonic clock goes
# on from what it answered, so no call to `utc_now` is involved:
#
#   asked at 100.0 s of the monotonic clock, answered "12:00:00" at 100.2 s   at 105.2 s it is 12:00:05
#   a replica whose own clock says 12:10 is told, and stores, the same 12:00:05
#
# The store's clock may be set, or another node be the primary: so it is asked again after `_ASK_EVERY`.

import asyncio
from datetime import datetime, timedelta

from shared.contracts.base import utc
from shared.errors import Conflict, TransientError
from shared.mongo import Document, Mongo
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds

_COLLECTION, _ROW = "clocks", {"_id": "store"}
_ASK_EVERY = timedelta(seconds=15)
_LONGEST_ANSWER = timedelta(seconds=5)
_TRIES = 3


class StoreClock:
    """Tells the time by the store of this service's own database."""

    def __init__(self, mongo: Mongo, *, monotonic: MonotonicSeconds = monotonic_seconds) -> None:
        self._rows, self._monotonic = mongo.all_tenants(_COLLECTION), monotonic
        self._told: tuple[float, datetime] | None = None
        """When the store answered last, by the monotonic clock, and what it said."""
        self._asking = asyncio.Lock()

    async def __call__(self) -> datetime:
        """Returns the store's time; raises `TransientError` when the store does not tell it in time."""
        async with self._asking:  # whoever comes meanwhile takes the same answer
            if self._told is None or self._monotonic() - self._told[0] >= _ASK_EVERY.total_seconds():
                self._told = await self._ask()
            answered_at, said = self._told
        return utc(said + timedelta(seconds=self._monotonic() - answered_at))

    async def _ask(self) -> tuple[float, datetime]:
        for _ in range(_TRIES):
            asked_at = self._monotonic()
            row = await self._stamped_row()
            answered_at = self._monotonic()
            # An answer that took long tells of a moment that is long gone by now.
            if row and answered_at - asked_at <= _LONGEST_ANSWER.total_seconds():
                said: datetime = row["now"]
                return answered_at, said
        raise TransientError("the document store takes too long to tell its time")

    async def _stamped_row(self) -> Document | None:
        change = [{"$set": {"now": "$$NOW"}}]
        try:
            return await self._rows.take(_ROW, change, upsert=True)
        except Conflict:  # another process inserted the row at this moment
            return await self._rows.take(_ROW, change, upsert=True)
