"""Leads one kind of work across replicas: holds a lease from step to step and renews it in good time."""

# Invariant: `lease()` returns a lease whose deadline lies ahead, or None while another process leads. Between two
# steps the lease is kept, renewed only in its second half, so that a look for work does not cost a write:
#
#   ttl 15 s   0 s: taken   5 s: as it is   9 s: renewed, good until 24 s   30 s: run out, taken anew if it is free
#
# A renewal that fails gives the lease up: what became of it is not known, and only a new lease is surely ours.

import time
from datetime import timedelta

from shared.runtime.leases import Lease, Leases


class Leader:
    """Takes the lead under a name, keeps it, and gives it back when the process ends."""

    def __init__(self, leases: Leases, name: str, ttl: timedelta) -> None:
        self._leases, self._name, self._ttl = leases, name, ttl
        self._lease: Lease | None = None

    async def lease(self) -> Lease | None:
        """The lease to work under; None while another process has it. Raises `LeaseLost` on a failed renewal."""
        lease, self._lease = self._lease, None
        left_seconds = lease.deadline - time.monotonic() if lease else 0.0
        if lease is None or left_seconds <= 0:
            lease = await self._leases.take(self._name, self._ttl)
        elif left_seconds < self._ttl.total_seconds() / 2:
            await lease.renew()
        self._lease = lease
        return lease

    async def release(self) -> None:
        """Lets another replica lead at once."""
        lease, self._lease = self._lease, None
        if lease:
            await lease.release()
