"""Time in: the rounds in which writes that are due are carried on."""

# Invariant: the writes to one line have one worker at a time, which holds the line's lease; lines are
# independent, so one that fails, or whose PSA hangs, does not hold up the others of the same round. One that
# a bug keeps from being carried on is put off, or a round's worth of them would be all that is looked at.
#
# The lease is short and renewed while the work goes on. A worker that was killed holds up its line for at
# most `LEASE_TTL`, and a worker that was paused beyond it sends nothing more (`Lease.check` right before a
# send).

from dataclasses import dataclass
from datetime import timedelta

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

log = structlog.get_logger()

NAME = "writes"
LEASE_TTL = timedelta(seconds=20)
_WRITES_PER_ROUND = 50
_LONGEST_ROUND = timedelta(minutes=20)
"""A PSA that hangs may keep every call until its last attempt."""


@dataclass(frozen=True, slots=True)
class WriteJob:
    """Takes the lines whose writes are due, a few at a time, each under a lease of its own."""

    writes: WriteRepository
    writer: QuantityWriter
    leases: Leases
    health: Health

    def job(self) -> Job:
        return Job(NAME, self.step, timedelta(seconds=1), step_limit=_LONGEST_ROUND)

    async def step(self) -> bool:
        """Carries on the writes that are due now; tells whether anything moved."""
        moved_lines = 0

        async def carry_on(line: LineRef) -> None:
            nonlocal moved_lines
            steps = await attempt(self._write(line))
            self.health.heartbeat(NAME)
            if isinstance(steps, TransientError):
                log.warning("write_round_failed", line_id=line.line_id, error=str(steps))
            elif isinstance(steps, Exception):
                log.error("write_round_failed", line_id=line.line_id, exc_info=steps)
                await attempt(self.writes.put_off(line, PAUSE))
            elif steps:
                moved_lines += 1

        await for_each(await self.writes.due_lines(_WRITES_PER_ROUND), carry_on)
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
