"""Leads one kind of work across replicas: keeps a lease from step to step and renews it in good time."""

# Invariant: a lease is remembered only while its own deadline says that nobody else can lead. It is renewed
# only in its second half, so that a step that finds no work costs no write. With a term of 15 s:
#
#   0 s taken, until 15 s   5 s kept as it is   9 s renewed, until 24 s   30 s run out: taken anew, if free
#
# A renewal that fails gives the lease up: what the store did is unknown, and only a new token is surely ours.

from datetime import timedelta

from shared.runtime.leases import Lease, Leases


class Leader:
    """Takes the lead under a name, keeps it, and gives it back when the process ends.

    For one task: two tasks that share a leader would take the lease from each other.
    """

    def __init__(self, leases: Leases, name: str, ttl: timedelta) -> None:
        self._leases, self._name, self._ttl = leases, name, ttl
        self._lease: Lease | None = None

    async def lease(self) -> Lease | None:
        """Returns the lease to work under, or None while another process leads.

        Raises `LeaseLost` when another process took over, `TransientError` when the store does not answer.
        """
        # Forgotten first, remembered last: what raises or is cancelled in between leaves no lease behind.
        lease, self._lease = self._lease, None
        left_seconds = lease.monotonic_deadline - lease.monotonic() if lease else 0.0
        if lease is None or left_seconds <= 0:
            lease = await self._leases.take(self._name, self._ttl)
        elif left_seconds < lease.ttl.total_seconds() / 2:
            await lease.renew()
        self._lease = lease
        return lease

    async def release(self) -> None:
        """Gives the lease back, so that another replica leads at once."""
        lease, self._lease = self._lease, None
        if lease:
            await lease.release()
