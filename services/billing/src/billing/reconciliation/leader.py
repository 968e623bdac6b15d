"""Who reconciles: one of all replicas leads by lease, and is fenced off by it when paused too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from billing.reconciliation.reconciler import Reconciler
from shared.runtime.jobs import Job
from shared.runtime.leases import Lease, LeaseLost, Leases

_TTL = timedelta(seconds=15)


class ReconcilerLeader:
    """The one reconciler of all replicas: leads by lease, and is fenced off by it when paused too long."""

    def __init__(
        self, reconciling: Reconciler, leases: Leases, admit: Callable[[str], Awaitable[None]]
    ) -> None:
        self._reconciling, self._leases, self._admit = reconciling, leases, admit
        self._lease: Lease | None = None
        self._admitted = ""

    def job(self, touched: asyncio.Event, done: asyncio.Event) -> Job:
        """`done` is set when a round came to its end, and when what waited is gone."""

        async def step() -> bool:
            more = await self.step()
            if self._lease and self._reconciling.done:
                done.set()
            return more

        return Job("reconciling", step, timedelta(milliseconds=250), wake=touched)

    async def step(self) -> bool:
        """See to the oldest marks; tells whether there were any."""
        lease = await self._leading()
        if lease is None:
            return False
        try:
            async with lease.kept():  # a large tenant's round takes long to begin
                await self._be_admitted(lease)
                return await self._reconciling.see_to_some(lease.token)
        except LeaseLost:
            self._admitted = ""
            raise
        finally:
            # One that was paused may have been admitted over us: only with a new lease do we go on.
            if self._admitted != lease.token:
                await self.release()

    async def release(self) -> None:
        """Let another replica start at once."""
        lease, self._lease = self._lease, None
        if lease:
            await lease.release()

    async def _leading(self) -> Lease | None:
        lease, self._lease = self._lease, None
        left = lease.deadline - time.monotonic() if lease else 0
        if lease is None or left <= 0:
            lease = await self._leases.take("reconciling", _TTL)
        elif left < lease.ttl.total_seconds() / 2:
            await lease.renew()
        self._lease = lease
        return lease

    async def _be_admitted(self, lease: Lease) -> None:
        """Once for each lease, and never knowingly when it may be another's by now."""
        if self._admitted != lease.token:
            lease.check()
            await self._admit(lease.token)
            lease.check()
            self._admitted = lease.token
