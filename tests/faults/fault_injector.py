"""Kills processes at random by a seed: which ones, when, and how long they stay dead."""

# The same seed plans the same kills, whatever the machine: each round has a generator of its own, and the
# victims come from one deck that is shuffled and dealt to its end before it is shuffled anew, so every
# process is killed about as often as any other.  With three victims a, b, c:  b a c | a c b | …
#
# Four in ten kills wait for the first decision of the round, since decisions and their writes take only a
# second or two of it and would seldom be met otherwise.

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from history import History
from persistent_client import DeadlineExceeded
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.services import SERVICES
from standalone.system import SERVERS, System
from standalone.time_limit import TIMEOUT_SECONDS

VICTIMS = (*SERVICES, *SERVERS)

_MAX_DEAD_SECONDS = 2.0
"""A killed process is started again after at most this long."""
_DURING_DECISIONS = 0.4
"""Share of the kills that wait for the first decision."""
_DECISIONS_SECONDS = 1.5
"""The decisions of a round and their writes take about this long."""
_RESTART_TIMEOUT_SECONDS = TIMEOUT_SECONDS
_FLUSHES = 0.25
"""Share of the rounds in which the status channel is emptied as well."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One process's death, and how long it stays dead."""

    name: str
    at_seconds: float
    """After the round began, or after the first decision."""
    dead_seconds: float
    during_decisions: bool


@dataclass(slots=True)
class FaultInjector:
    """Kills and restarts the system's processes, and empties the status channel."""

    system: System
    seed: int
    history: History
    kill_window_seconds: float
    """How long the part of a round lasts in which the kills fall."""
    _deck: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._deck = _deal(Random(f"{self.seed} deck"))  # noqa: S311  a plan, not a secret

    async def run_round(self, number: int, first_decision: asyncio.Event) -> None:
        """Kill this round's victims and restart them; returns when all of them are ready again."""
        rng = Random(f"{self.seed} round {number}")  # noqa: S311 (a plan, no secret)
        async with asyncio.TaskGroup() as group:
            for name in {next(self._deck) for _ in range(rng.randint(1, 3))}:
                during = rng.random() < _DURING_DECISIONS
                at = rng.uniform(0, _DECISIONS_SECONDS if during else self.kill_window_seconds)
                kill = Kill(name, at, rng.uniform(0, _MAX_DEAD_SECONDS), during)
                group.create_task(self._execute(kill, first_decision))
            if rng.random() < _FLUSHES:
                group.create_task(self._flush_later(rng.uniform(0, self.kill_window_seconds)))

    async def flush(self) -> None:
        """Empty the status channel."""
        self.history.record("kill", "status channel")
        redis: Redis = Redis.from_url(self.system.servers.redis_url)
        await redis.flushall()
        await redis.aclose()

    async def _execute(self, kill: Kill, first_decision: asyncio.Event) -> None:
        process = self.system.processes[kill.name]
        if kill.during_decisions:
            await first_decision.wait()
        await asyncio.sleep(kill.at_seconds)
        await process.kill()
        self.history.record(
            "kill", kill.name, dead=round(kill.dead_seconds, 2), deciding=kill.during_decisions
        )
        await asyncio.sleep(kill.dead_seconds)
        await self._restart(process)

    async def _restart(self, process: ChildProcess) -> None:
        # As a supervisor would: what cannot start while another process is dead is started again.
        deadline = time.monotonic() + _RESTART_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            try:
                seconds = await process.start()
            except PermanentError as error:
                self.history.record("info", process.name, error=str(error))
            else:
                self.history.record("ready", process.name, seconds=round(seconds, 1))
                return
        raise DeadlineExceeded(
            f"{process.name} could not be started again in {_RESTART_TIMEOUT_SECONDS:.0f} s"
        )

    async def _flush_later(self, at_seconds: float) -> None:
        await asyncio.sleep(at_seconds)
        with contextlib.suppress(OSError, RedisError):  # Valkey is dead: its data is lost anyway
            await self.flush()


def _deal(rng: Random) -> Iterator[str]:
    while True:
        yield from rng.sample(VICTIMS, len(VICTIMS))
