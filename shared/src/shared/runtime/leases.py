"""Leases: one worker at a time, with a token that tells a late worker that its time is over."""

# Invariant: the holder's own deadline never lies after the moment at which others may take the lease. So the
# monotonic clock is read *before* the stored moment is computed:
#
#   holder: reads 100.0 s, asks; answered at 100.2 s   deadline 115.0 s   store: until 115.0 s or later
#
# A process that is paused right after looking at its deadline is stopped by a fence: by the token in a
# transaction, or by Kafka (shared.kafka.fenced_producer); so is one whose clock differs from the others'.

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from shared.errors import Conflict, TransientError
from shared.mongo import Documents, Mongo
from shared.runtime.attempt import attempt
from shared.runtime.takeover import takeover_term

_COLLECTION = "leases"


class LeaseLost(TransientError):
    """Another worker may be at work by now: stop, and publish nothing more."""


@dataclass(slots=True)
class Lease:
    """The right to work on `name` until `monotonic_deadline`."""

    name: str
    token: str
    """Names this taking of the lease; a successor has another token."""
    monotonic_deadline: float
    """A moment of `time.monotonic()`, in seconds."""
    ttl: timedelta
    """How long the lease is good for from each renewal."""
    _rows: Documents

    @property
    def loop_deadline(self) -> float:
        """The deadline as a moment of the running loop's clock, in seconds: the clocks may differ."""
        return asyncio.get_running_loop().time() + (self.monotonic_deadline - time.monotonic())

    def check(self) -> None:
        """Raises `LeaseLost` once the deadline has passed; call it right before anything that others see."""
        if time.monotonic() >= self.monotonic_deadline:
            raise LeaseLost(f"the lease on {self.name} has run out")

    async def renew(self) -> None:
        """Extends the lease by a term from now; raises `LeaseLost` when another worker has taken over."""
        asked_at = time.monotonic()  # before the call: our deadline must never lie after the stored one
        renewed = await self._rows.change(
            {"_id": self.name, "token": self.token},
            {"$set": {"until": datetime.now(UTC) + self.ttl}},
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
            async with asyncio.timeout_at(self.loop_deadline) as limit:
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
                limit.reschedule(self.loop_deadline)

    async def release(self) -> None:
        """Lets the next worker start at once."""
        self.monotonic_deadline = time.monotonic()
        await self._rows.remove({"_id": self.name, "token": self.token})


class Leases:
    """Takes leases in the service's own database; whether one is free is judged by this machine's clock."""

    def __init__(self, mongo: Mongo) -> None:
        self._rows = mongo.all_tenants(_COLLECTION)

    async def live(self, prefix: str) -> set[str]:
        """Returns the names with this prefix whose lease somebody holds now."""
        named = {"_id": {"$gte": prefix, "$lt": prefix + "\uffff"}, "until": {"$gte": datetime.now(UTC)}}
        return {row["_id"] for row in await self._rows.find(named, fields=["_id"])}

    async def take(self, name: str, ttl: timedelta) -> Lease | None:
        """Returns the lease, good for `ttl`, or None while another worker holds it."""
        ttl = takeover_term(ttl)
        asked_at, now, token = time.monotonic(), datetime.now(UTC), uuid4().hex
        free = {"_id": name, "until": {"$lt": now}}
        try:
            taken = await self._rows.take(
                free, {"$set": {"token": token, "until": now + ttl, "taken_at": now}}, upsert=True
            )
        except Conflict:  # the row is there and not free: the upsert met its `_id`
            return None
        if taken is None:
            return None
        return Lease(name, token, asked_at + ttl.total_seconds(), ttl, self._rows)
