"""Random kills by a seed: which parts die, when, and how long they stay dead."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from history import History
from person import InVain
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import PermanentError
from standalone.child_process import ChildProcess
from standalone.services import SERVICES
from standalone.system import SERVERS, System

VICTIMS = (*SERVICES, *SERVERS)

_DEAD = 2.0
"""Seconds that a part stays dead at most before it is started again."""
_DECIDING, _WRITING = 0.4, 1.5
"""Share of the kills that fall among decisions, and the seconds that these and their writes take about."""
_REVIVED = 60.0
_FLUSHES = 0.25
"""Share of the rounds in which the status channel is emptied besides."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One part's death, and how many seconds later it is started again."""

    name: str
    at: float
    """Seconds after the round began, or after the first decision."""
    dead: float
    deciding: bool
    """Whether it falls among the decisions and their writes."""


@dataclass(slots=True)
class Havoc:
    """Every part is killed about as often as any other: they are dealt like cards."""

    system: System
    seed: int
    history: History
    within: float
    """Seconds of a round in which the kills fall."""
    _deck: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self._deck = _dealt(Random(f"{self.seed} deck"))  # noqa: S311  a plan, not a secret

    async def round(self, number: int, deciding: asyncio.Event) -> None:
        """Kill this round's victims and bring them back; returns when all of them are ready."""
        dice = Random(f"{self.seed} round {number}")  # noqa: S311 (dice, no secret)
        async with asyncio.TaskGroup() as group:
            for name in self._victims(dice.randint(1, 3)):
                late = dice.random() < _DECIDING
                at = dice.uniform(0, _WRITING if late else self.within)
                kill = Kill(name, at, dice.uniform(0, _DEAD), late)
                group.create_task(self._die(kill, deciding))
            if dice.random() < _FLUSHES:
                group.create_task(self._flush(dice.uniform(0, self.within)))

    async def flush(self) -> None:
        """Empty the status channel."""
        self.history.note("kill", "status channel")
        redis: Redis = Redis.from_url(self.system.servers.redis_url)
        await redis.flushall()
        await redis.aclose()

    def _victims(self, count: int) -> set[str]:
        return {next(self._deck) for _ in range(count)}

    async def _die(self, kill: Kill, deciding: asyncio.Event) -> None:
        part = self.system.parts[kill.name]
        if kill.deciding:
            await deciding.wait()
        await asyncio.sleep(kill.at)
        await part.kill()
        self.history.note("kill", kill.name, dead=round(kill.dead, 2), deciding=kill.deciding)
        await asyncio.sleep(kill.dead)
        await self._revived(part)

    async def _revived(self, part: ChildProcess) -> None:
        """As a supervisor would: what cannot start while another part is dead is started again."""
        until = time.monotonic() + _REVIVED
        while time.monotonic() < until:
            try:
                seconds = await part.start()
            except PermanentError as error:
                self.history.note("info", part.name, error=str(error))
            else:
                self.history.note("ready", part.name, seconds=round(seconds, 1))
                return
        raise InVain(f"{part.name} could not be started again in {_REVIVED:.0f} s")

    async def _flush(self, at: float) -> None:
        await asyncio.sleep(at)
        with contextlib.suppress(OSError, RedisError):  # killed at the moment: it is empty anyway
            await self.flush()


def _dealt(dice: Random) -> Iterator[str]:
    while True:
        yield from dice.sample(VICTIMS, len(VICTIMS))
