"""Lets one replica reconcile: it leads by lease, and a fence rejects the saves of a paused former leader."""

# A lease is not enough: a process may be paused between "I lead" and its next write. So the leader writes its
# lease's token as the fence, and every save checks the fence in its own transaction.
#
#   A leads, fence A   A is paused, its lease runs out   B leads, fence B   A wakes and saves → LeaseLost
#
# A's fence may also arrive late, over B's: then B's next save fails although B leads. So whoever meets a
# foreign fence gives up its lease too, and acquires the fence again only under a new one.

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from billing.reconciliation.reconciler import Reconciler
from shared.runtime.jobs import Job
from shared.runtime.leader import Leader
from shared.runtime.leases import Lease, LeaseLost, Leases

_LEASE_TTL = timedelta(seconds=15)


class ReconcilerLeader:
    """Runs the reconciler while this process leads."""

    def __init__(
        self, reconciler: Reconciler, leases: Leases, acquire_fence: Callable[[str], Awaitable[None]]
    ) -> None:
        self._reconciler, self._acquire_fence = reconciler, acquire_fence
        self._leader = Leader(leases, "reconciling", _LEASE_TTL)
        self._leads, self._fence_token = False, ""

    def job(self, work: asyncio.Event, completed: asyncio.Event) -> Job:
        """Steps when `work` is set; sets `completed` when a pass ends, and when the queue becomes empty."""

        async def step() -> bool:
            more = await self.step()
            if self._leads and self._reconciler.pass_completed:
                completed.set()
            return more

        return Job("reconciling", step, timedelta(milliseconds=250), wake=work)

    async def step(self) -> bool:
        """Takes the reconciler's next step; tells whether there was any work.

        Raises `LeaseLost` when another replica took the lead meanwhile.
        """
        lease = await self._leader.lease()
        self._leads = lease is not None
        if lease is None:
            return False
        try:
            async with lease.keep_alive():  # the first step of a large tenant's pass takes long
                await self._hold_fence(lease)
                return await self._reconciler.process_next(lease.token)
        except LeaseLost:
            self._fence_token = ""
            raise
        finally:
            if self._fence_token != lease.token:
                await self.release()

    async def release(self) -> None:
        """Lets another replica lead at once."""
        await self._leader.release()

    async def _hold_fence(self, lease: Lease) -> None:
        """Acquires the fence once for each lease. Raises `LeaseLost` when the lease has run out.

        The lease is checked on both sides: the write that acquires the fence may itself have taken too long.
        """
        if self._fence_token != lease.token:
            lease.check()
            await self._acquire_fence(lease.token)
            lease.check()
            self._fence_token = lease.token
