"""Time in: the rounds in which writes that are due are carried on."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from psa_sync.runs.listing import spread
from psa_sync.runs.ports import LineRef
from psa_sync.writes.repository import WriteRepository
from psa_sync.writes.writer import QuantityWriter
from shared.runtime.attempt import attempt
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.leases import Lease, Leases

log = structlog.get_logger()

NAME = "writes"
TTL = timedelta(seconds=20)
"""How long the writes of a killed process wait; a living one renews far more often."""
_AT_ONCE = 50
_LONGEST = timedelta(minutes=20)
"""A PSA that hangs may keep every call until its last attempt."""


@dataclass(frozen=True, slots=True)
class WriteJob:
    """Takes the lines whose writes are due, a few at a time, each under a lease of its own."""

    writes: WriteRepository
    writer: QuantityWriter
    leases: Leases
    health: Health

    def job(self) -> Job:
        return Job(NAME, self.step, timedelta(seconds=1), step_limit=_LONGEST)

    async def step(self) -> bool:
        """One round; tells whether anything moved. A line that fails does not hold up the others."""
        moved: list[int] = []

        async def one(line: LineRef) -> None:
            steps = await attempt(self._carry(line))
            self.health.heartbeat(NAME)
            if isinstance(steps, Exception):
                log.warning("write_round_failed", line_id=line.line_id, exc_info=steps)
            elif steps:
                moved.append(steps)

        await spread(await self.writes.due(_AT_ONCE), one)
        return bool(moved)

    async def _carry(self, line: LineRef) -> int:
        name = f"write:{line.tenant_id}:{line.integration_id}:{line.line_id}"
        lease: Lease | None = await self.leases.take(name, TTL)
        if lease is None:
            return 0
        try:
            async with lease.keep_alive():
                return await self.writer.write(line, lease)
        finally:
            await attempt(lease.release())
