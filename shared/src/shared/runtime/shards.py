"""Shares work out to replicas by tenant: each replica leads some of the shards, and a tenant is in one."""

# Invariant: a shard has one leader at a time, by a lease of its own, and every shard has one as soon as its
# former leader's lease is over. A replica tells the others that it lives by a lease as well, and takes free
# shards up to its fair share, which is all of them divided by the living replicas, rounded up:
#
#   A alone             A leads 16
#   B starts            both count 2, a share is 8; A gives 8 back, B takes them
#   B is killed         within its leases' term nobody renews them; A counts 1, and takes the 8
#
# A shard that is given back in between costs nothing but a pass that is started anew.

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from math import ceil
from uuid import uuid4

from shared.runtime.attempt import attempt
from shared.runtime.clock import monotonic_seconds
from shared.runtime.leases import Lease, LeaseLost, Leases

SHARDS = 16
"""More than there are replicas, and few enough to renew each by itself."""
_LOOKS_PER_TERM = 10


def shard_of(tenant_id: str) -> int:
    """Returns the shard of a tenant: always the same one, in every process."""
    return sha256(tenant_id.encode()).digest()[0] % SHARDS


class ShardLeader:
    """Leads a fair share of the shards of one kind of work. For one task, as `Leader`."""

    def __init__(self, leases: Leases, name: str, ttl: timedelta) -> None:
        self._leases, self._name, self._ttl = leases, name, ttl
        self._member_name = f"{name}:member:{uuid4().hex}"
        self._member: Lease | None = None
        self._held: dict[int, Lease] = {}
        self._share, self._look_at = SHARDS, 0.0
        """The share by the last look, and when to look again at the latest, by the monotonic clock."""

    async def hold(self) -> Mapping[int, Lease]:
        """Returns the leases of the shards that this replica leads, each by its shard.

        Raises `TransientError` when the store does not answer.
        """
        for shard, lease in list(self._held.items()):
            if not await _is_kept(lease):
                del self._held[shard]
        if len(self._held) < self._share or monotonic_seconds() >= self._look_at:
            await self._look()
        return dict(self._held)

    @asynccontextmanager
    async def keep_alive(self, shard: int) -> AsyncIterator[None]:
        """Renews all that is held while the block works on one shard, however long that takes.

        The block is cancelled, and `LeaseLost` raised, once this shard's lease could not be renewed in time.
        """
        async with self._held[shard].keep_alive():
            others = asyncio.ensure_future(self._renew_others(shard))
            try:
                yield
            finally:
                others.cancel()
                await asyncio.wait([others])

    async def give_up(self, shard: int) -> None:
        """Lets another replica lead the shard, or this one under a new token."""
        if lease := self._held.pop(shard, None):
            await lease.release()

    async def release(self) -> None:
        """Gives everything back, so that other replicas lead at once."""
        leases = [*self._held.values(), *([self._member] if self._member else [])]
        self._held, self._member = {}, None
        for lease in leases:
            await lease.release()

    async def _look(self) -> None:
        """Counts the living replicas; gives back what is beyond a fair share, or takes what is free."""
        self._look_at = monotonic_seconds() + self._ttl.total_seconds() / _LOOKS_PER_TERM
        await self._renew_membership()
        living = await self._leases.live(f"{self._name}:")
        members = sum(name.startswith(f"{self._name}:member:") for name in living)
        self._share = ceil(SHARDS / max(members, 1))
        for shard in list(self._held)[self._share :]:
            await self.give_up(shard)
        for shard in range(SHARDS):
            if len(self._held) >= self._share:
                break
            name = f"{self._name}:shard:{shard}"
            is_free = name not in living and shard not in self._held
            if is_free and (lease := await self._leases.take(name, self._ttl)):
                self._held[shard] = lease

    async def _renew_membership(self) -> None:
        member, self._member = self._member, None
        if member is None or not await _is_kept(member):
            member = await self._leases.take(self._member_name, self._ttl)
        self._member = member

    async def _renew_others(self, shard: int) -> None:
        """Passes over what cannot be renewed: `hold` finds out what has run out."""
        while True:
            await asyncio.sleep(self._ttl.total_seconds() / 3)
            others = [lease for other, lease in self._held.items() if other != shard]
            for lease in [*others, *([self._member] if self._member else [])]:
                await attempt(lease.renew())


async def _is_kept(lease: Lease) -> bool:
    """Renews the lease in the second half of its term; tells whether it is still ours."""
    left_seconds = lease.monotonic_deadline - lease.monotonic()
    if left_seconds <= 0:
        return False
    if left_seconds < lease.ttl.total_seconds() / 2:
        try:
            await lease.renew()
        except LeaseLost:
            return False
    return True
