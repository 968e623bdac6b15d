"""Leases: one worker at a time, with a token that tells a late worker that its time is over."""

# Invariant: the holder's own deadline never lies after the moment at which others may take the lease. Whether
# it is free is judged by one clock, the document store's, so that replicas whose clocks differ agree; the
# holder measures its term from before it asks, by a clock that goes on while its machine is suspended:
#
#   holder: reads 100.0 s, asks; answered at 100.2 s   deadline 115.0 s
#   store: free, for `until` is past; until := its now, between the two, + 15 s
#   another, its clock 40 s ahead, asks at 110 s       the store says that the lease is held
#
# A process that is paused right after looking at its deadline is stopped by a fence: by the token in a
# transaction, or by Kafka (shared.kafka.fenced_producer).

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from shared.errors import Conflict, TransientError
from shared.mongo import Document, Documents, Mongo
from shared.runtime.attempt import attempt
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds
from shared.runtime.takeover import takeover_term

_COLLECTION = "leases"
_FREE = {"$lte": [{"$toLong": "$until"}, {"$toLong": "$$NOW"}]}
"""Of a row that is not there yet, too: what is missing comes before every number.

Compared as numbers: SecantusDB takes the dates themselves for equal (decision 0023).
"""


class LeaseLost(TransientError):
    """Another worker may be at work by now: stop, and publish nothing more."""


@dataclass(slots=True)
class Lease:
    """The right to work on `name` until `monotonic_deadline`."""

    name: str
    token: str
    """Names this taking of the lease; a successor has another token."""
    monotonic_deadline: float
    """A moment of `monotonic`, in seconds."""
    ttl: timedelta
    """How long the lease is good for from each renewal."""
    _rows: Documents
    monotonic: MonotonicSeconds = monotonic_seconds

    def check(self) -> None:
        """Raises `LeaseLost` once the deadline has passed; call it right before anything that others see."""
        if self.monotonic() >= self.monotonic_deadline:
            raise LeaseLost(f"the lease on {self.name} has run out")

    async def renew(self) -> None:
        """Extends the lease by a term from now; raises `LeaseLost` when another worker has taken over."""
        asked_at = self.monotonic()  # before the call: our deadline must never lie after the stored one
        renewed = await self._rows.change(
            {"_id": self.name, "token": self.token}, [{"$set": {"until": _end_of(self.ttl)}}]
        )
        if not renewed:
            self.monotonic_deadline = asked_at
            raise LeaseLost(f"the lease on {self.name} was taken over")
        self.monotonic_deadline = asked_at + self.ttl.total_seconds()

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[None]:
        """Renews the lease while the block runs, so that a short lease serves slow work too.

        The block is cancelled, and `LeaseLost` raised, once the lease could not be renewed in time.
        """
        try:
            async with asyncio.timeout_at(self._loop_deadline()) as limit:
                renewal = asyncio.ensure_future(self._renew_until(limit))
                try:
                    yield
                finally:
                    renewal.cancel()
                    await asyncio.wait([renewal])
        except TimeoutError as error:
            if not limit.expired():  # the work's own time-out, not the lease's
                raise
            raise LeaseLost(f"the lease on {self.name} has run out") from error

    async def _renew_until(self, limit: asyncio.Timeout) -> None:
        """Passes over a store that is away; a refusal moves the deadline to now, which ends the block."""
        while not limit.expired():
            await asyncio.sleep(self.ttl.total_seconds() / 3)  # two tries fit in: one may fail
            await attempt(self.renew())
            with suppress(RuntimeError):  # the limit is expiring this very moment
                limit.reschedule(self._loop_deadline())

    def _loop_deadline(self) -> float:
        # Of the loop's clock, which may stand still meanwhile: whoever is late is told by `check`.
        return asyncio.get_running_loop().time() + (self.monotonic_deadline - self.monotonic())

    async def release(self) -> None:
        """Lets the next worker start at once."""
        self.monotonic_deadline = self.monotonic()
        await self._rows.remove({"_id": self.name, "token": self.token})


class Leases:
    """Takes leases in the service's own database; whether one is free is judged by the database's clock."""

    def __init__(self, mongo: Mongo, *, monotonic: MonotonicSeconds = monotonic_seconds) -> None:
        self._rows, self._monotonic = mongo.all_tenants(_COLLECTION), monotonic

    async def live(self, prefix: str) -> set[str]:
        """Returns the names with this prefix whose lease somebody holds now."""
        held = {"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}, "$expr": {"$not": [_FREE]}}
        return {row["_id"] for row in await self._rows.find(held, fields=["_id"])}

    async def take(self, name: str, ttl: timedelta) -> Lease | None:
        """Returns the lease, good for `ttl`, or None while another worker holds it."""
        ttl = takeover_term(ttl)
        asked_at, token = self._monotonic(), uuid4().hex
        # One update that leaves a lease that is held as it is: a filter that asks for the time is not
        # allowed where the row may have to be inserted.
        ours = {"token": token, "until": _end_of(ttl), "taken_at": "$$NOW"}
        change = {name: {"$cond": [_FREE, value, f"${name}"]} for name, value in ours.items()}
        try:
            row = await self._rows.take({"_id": name}, [{"$set": change}], upsert=True)
        except Conflict:  # another worker inserted the row at the same moment
            return None
        if row is None or row["token"] != token:
            return None
        deadline = asked_at + ttl.total_seconds()
        return Lease(name, token, deadline, ttl, self._rows, monotonic=self._monotonic)


def _end_of(ttl: timedelta) -> Document:
    return {"$add": ["$$NOW", ttl // timedelta(milliseconds=1)]}
