"""Leases: one worker at a time, with a token that tells a late worker that its time is over."""

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
    """Somebody else may be at work by now: stop, publish nothing."""


@dataclass(slots=True)
class Lease:
    """The right to work on `name` until `deadline` (seconds of the monotonic clock)."""

    name: str
    token: str
    deadline: float
    ttl: timedelta
    _rows: Documents

    @property
    def loop_deadline(self) -> float:
        """The same moment by the running loop's clock: both are monotonic but need not be the same."""
        return asyncio.get_running_loop().time() + (self.deadline - time.monotonic())

    def check(self) -> None:
        """Raises `LeaseLost` once the deadline has passed; call it right before anything that others see."""
        if time.monotonic() >= self.deadline:
            raise LeaseLost(f"the lease on {self.name} has run out")

    async def renew(self) -> None:
        """Work on for another term; raises `LeaseLost` when somebody else has taken over."""
        asked = time.monotonic()  # before the call: our deadline must never lie after the stored one
        renewed = await self._rows.change(
            {"_id": self.name, "token": self.token},
            {"$set": {"until": datetime.now(UTC) + self.ttl}},
        )
        if not renewed:
            self.deadline = asked
            raise LeaseLost(f"the lease on {self.name} was taken over")
        self.deadline = asked + self.ttl.total_seconds()

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew while the block runs, however long that takes; a short lease then serves slow work too.

        The block is cut off, and `LeaseLost` raised, once the lease could not be renewed in time.
        """
        try:
            async with asyncio.timeout_at(self.loop_deadline) as limit:
                keeping = asyncio.ensure_future(self._keep(limit))
                try:
                    yield
                finally:
                    keeping.cancel()
                    await asyncio.wait([keeping])
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise LeaseLost(f"the lease on {self.name} has run out") from error

    async def _keep(self, limit: asyncio.Timeout) -> None:
        """A store that is away for a moment is no reason to stop; one that says no is."""
        while not limit.expired():
            await asyncio.sleep(self.ttl.total_seconds() / 3)  # so that one which fails is not the end
            await attempt(self.renew())
            with suppress(RuntimeError):  # it is running out this very moment
                limit.reschedule(self.loop_deadline)

    async def release(self) -> None:
        """Let the next worker start at once."""
        self.deadline = time.monotonic()
        await self._rows.remove({"_id": self.name, "token": self.token})


class Leases:
    """Takes leases in the service's own database; time-outs are judged by this machine's clock."""

    def __init__(self, mongo: Mongo) -> None:
        self._rows = mongo.all_tenants(_COLLECTION)

    async def take(self, name: str, ttl: timedelta) -> Lease | None:
        """The lease, or None while somebody else holds it."""
        ttl = takeover_term(ttl)
        asked, now, token = time.monotonic(), datetime.now(UTC), uuid4().hex
        free = {"_id": name, "until": {"$lt": now}}
        try:
            taken = await self._rows.take(
                free, {"$set": {"token": token, "until": now + ttl, "taken_at": now}}, upsert=True
            )
        except Conflict:  # the row is there and not free: the upsert met its `_id`
            return None
        if taken is None:
            return None
        return Lease(name, token, asked + ttl.total_seconds(), ttl, self._rows)
