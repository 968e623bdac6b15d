"""Time in: the rounds in which writes that are due are carried on."""

# Invariant: the writes to one line have one worker at a time, which holds the line's lease; lines are
# independent, so one that fails, or whose PSA hangs, does not hold up the others of the same round. One that
# a bug keeps from being carried on is put off, or a round's worth of them would be all that is looked at.
#
# A round is of one tenant and lasts as long as its slowest PSA, so a tenant has one round at a time and the
# others' rounds go on beside it; tenants take turns:
#
#   acme's PSA never answers, rounds: acme (for minutes) | zeta, beta, zeta | …
#
# The lease is short and renewed while the work goes on. A worker that was killed holds up its line for at
# most `LEASE_TTL`, and a worker that was paused beyond it sends nothing more (`Lease.check` right before a
# send).

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog

from psa_sync.concurrency import for_each
from psa_sync.writes.ports import LineRef
from psa_sync.writes.repository import WriteRepository
from psa_sync.writes.writer import QuantityWriter
from shared.errors import TransientError
from shared.runtime.attempt import attempt
from shared.runtime.backoff import PAUSE
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.leases import Leases
from shared.sync_engine.tenant_shares import TenantShares

log = structlog.get_logger()

LEASE_TTL = timedelta(seconds=20)
_LOOK_INTERVAL = timedelta(seconds=1)
"""Between two looks for writes that are due, by whichever round looks first."""
_ROUNDS_AT_ONCE = 8
_WRITES_PER_ROUND = 50
_LONGEST_ROUND = timedelta(minutes=20)
"""A PSA that hangs may keep every call until its last attempt."""


@dataclass(slots=True)
class WriteJobs:
    """Takes the lines whose writes are due, a few of a tenant at a time, each under a lease of its own."""

    writes: WriteRepository
    writer: QuantityWriter
    leases: Leases
    health: Health
    _shares: TenantShares = field(default_factory=lambda: TenantShares(1, rest=_LOOK_INTERVAL))
    _last_tenant_id: str = ""
    jobs: tuple[Job, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = tuple(self._job(f"writes {place}") for place in range(_ROUNDS_AT_ONCE))

    def wake(self) -> None:
        self._shares.wake()
        for job in self.jobs:
            job.wake.set()

    def _job(self, name: str) -> Job:
        return Job(name, partial(self._step, name), _LOOK_INTERVAL, step_limit=_LONGEST_ROUND)

    async def _step(self, name: str) -> bool:
        """Carries on the writes of one tenant that are due now; tells whether anything moved."""
        async with self._shares.at_work(self._next_round, _tenant_of) as lines:
            return await self._round(lines, name) if lines else False

    async def _next_round(self, full: Collection[str]) -> list[LineRef] | None:
        """Returns the due lines of the tenant whose turn it is: the next by id after the last one."""
        due = await self.writes.due_lines(_WRITES_PER_ROUND, but_of=full)
        tenant_ids = {line.tenant_id for line in due}
        if not tenant_ids:
            return None
        later = [tenant_id for tenant_id in tenant_ids if tenant_id > self._last_tenant_id]
        self._last_tenant_id = min(later or tenant_ids)
        return [line for line in due if line.tenant_id == self._last_tenant_id]

    async def _round(self, lines: Sequence[LineRef], name: str) -> bool:
        moved_lines = 0

        async def carry_on(line: LineRef) -> None:
            nonlocal moved_lines
            steps = await attempt(self._write(line))
            self.health.heartbeat(name)
            if isinstance(steps, TransientError):
                log.warning("write_round_failed", line_id=line.line_id, error=str(steps))
            elif isinstance(steps, Exception):
                log.error("write_round_failed", line_id=line.line_id, exc_info=steps)
                await attempt(self.writes.put_off(line, PAUSE))
                await attempt(self.writes.end_unreadable(line))
            elif steps:
                moved_lines += 1

        await for_each(lines, carry_on)
        return moved_lines > 0

    async def _write(self, line: LineRef) -> int:
        """Returns how many steps were made; none while another worker holds the line."""
        name = f"write:{line.tenant_id}:{line.integration_id}:{line.line_id}"
        lease = await self.leases.take(name, LEASE_TTL)
        if lease is None:
            return 0
        try:
            async with lease.keep_alive():
                return await self.writer.write(line, lease)
        finally:
            await attempt(lease.release())


def _tenant_of(lines: Sequence[LineRef]) -> str:
    return lines[0].tenant_id
