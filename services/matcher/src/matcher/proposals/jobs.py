"""Time in: computes proposals anew where something has changed; one replica does, by lease."""

from datetime import timedelta

from matcher.proposals.recomputation import ProposalRecomputation
from shared.runtime.jobs import Job
from shared.runtime.leader import Leader
from shared.runtime.leases import Leases

_INTERVAL = timedelta(seconds=2)
_TERM = timedelta(seconds=15)
"""How long nobody computes proposals after a replica died that did."""


class ProposalLeader:
    """Lets one replica compute proposals; what a paused former one stores is refused by the store."""

    def __init__(self, recomputation: ProposalRecomputation, leases: Leases) -> None:
        self._recomputation, self._leader = recomputation, Leader(leases, "proposals", _TERM)
        self._token: str | None = None
        """Of the lease under which this replica took over."""

    def job(self) -> Job:
        return Job("proposals", self._step, _INTERVAL)

    async def release(self) -> None:
        """Lets another replica compute at once."""
        await self._leader.release()

    async def _step(self) -> bool:
        lease = await self._leader.lease()
        if lease is None:
            return False
        async with lease.keep_alive():
            if lease.token != self._token:
                # Not at start-up: a replica of the former release may lead until it ends.
                await self._recomputation.take_over()
                self._token = lease.token
            return await self._recomputation.process_next()
