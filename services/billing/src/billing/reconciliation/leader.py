"""Shares tenants out to replicas: each leads shards by lease, and fences reject a paused former leader."""

# A lease is not enough: a process may be paused between "I lead" and its next write. So the leader of a shard
# writes its lease's token as the shard's fence, and every save checks the fence in its own transaction.
#
#   A leads 3, fence A   A is paused, its lease runs out   B leads 3, fence B   A wakes and saves → LeaseLost
#
# A's fence may also arrive late, over B's: then B's next save fails although B leads. So whoever meets a
# foreign fence gives up that shard's lease too, and acquires the fence again only under a new one. The other
# shards go on meanwhile.

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from billing.reconciliation.reconciler import Reconciler
from shared.runtime.jobs import Job
from shared.runtime.leases import Lease, LeaseLost, Leases
from shared.runtime.shards import ShardLeader, shard_of

_LEASE_TERM = timedelta(seconds=15)


class ReconcilerLeader:
    """Runs the reconciler for the tenants of the shards that this process leads."""

    def __init__(
        self,
        reconciler: Reconciler,
        leases: Leases,
        acquire_fence: Callable[[int, str], Awaitable[None]],
        *,
        term: timedelta = _LEASE_TERM,
    ) -> None:
        """`term` is how long the shards of a replica that died have no leader."""
        self._reconciler, self._acquire_fence = reconciler, acquire_fence
        self._shards = ShardLeader(leases, "reconciling", term)
        self._leads = False
        self._fence_tokens: dict[int, str] = {}

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

        Raises `LeaseLost` when another replica took the lead of the shard meanwhile.
        """
        held = await self._shards.hold()
        self._leads = bool(held)
        tenant_id = await self._reconciler.next_tenant(held) if held else None
        if tenant_id is None:
            return False
        shard = shard_of(tenant_id)
        lease = held[shard]
        try:
            async with self._shards.keep_alive(shard):  # the first step of a large tenant's pass takes long
                await self._hold_fence(shard, lease)
                await self._reconciler.process(tenant_id, lease.token)
        except LeaseLost:
            self._fence_tokens.pop(shard, None)
            raise
        finally:
            if self._fence_tokens.get(shard) != lease.token:
                await self._shards.give_up(shard)
        return True

    async def release(self) -> None:
        """Lets other replicas lead at once."""
        await self._shards.release()

    async def _hold_fence(self, shard: int, lease: Lease) -> None:
        """Acquires the shard's fence once for each lease. Raises `LeaseLost` when the lease has run out.

        The lease is checked on both sides: the write that acquires the fence may itself have taken too long.
        """
        if self._fence_tokens.get(shard) != lease.token:
            lease.check()
            await self._acquire_fence(shard, lease.token)
            lease.check()
            self._fence_tokens[shard] = lease.token
