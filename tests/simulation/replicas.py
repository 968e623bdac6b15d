"""The processes of all services, and the accidents that happen to them."""

# A process is killed at any moment, or right behind a commit: what it then holds in memory and has not said
# yet is the most dangerous to lose, and the time between the two is so short that chance alone misses it.
#
#   billing 2 commits a message ─ up to 30 ms later it is killed: sent, or not → billing 1 finds it

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from tests.simulation.backups import Backups
from tests.simulation.process import Process
from tests.simulation.services import SERVICES, Replica, Surroundings
from tests.simulation.store.database import Written

_COUNT = 2
_BEHIND_COMMIT_SHARE = 0.6
_BEHIND_COMMIT_SECONDS = 0.03
_PROMISES = ("outbox", "work_items")
"""The collections in which a service stores what it is about to do."""
_PROMISES_SHARE = 0.7
_MOST_PASSED = 4


@dataclass(slots=True)
class _Trap:
    """What kills the process that makes a commit."""

    collection: str
    passed: int
    """How many commits of the collection are let pass."""
    seconds: float
    """How long after the commit."""
    down_seconds: float


class Replicas:
    """Two processes of each service."""

    def __init__(self, around: Surroundings, *, on_restore: Callable[[str, float], None]) -> None:
        """`on_restore` is told which database went back, and to when."""
        self._around, self._on_restore = around, on_restore
        self._backups = Backups(around.databases, around.loop.time, around.network.later)
        self._backups.begin()
        self._traps: dict[str, _Trap] = {}
        for service in SERVICES:
            around.databases[service].listeners.append(partial(self._spring, service))
        self._replicas = [
            Replica(around, service, number + 1) for service in SERVICES for number in range(_COUNT)
        ]

    def billing(self, random: Random) -> Replica:
        return random.choice([one for one in self._replicas if one.service == "billing"])

    def close(self) -> None:
        """Ends every process, so that nothing is left behind."""
        for replica in self._replicas:
            replica.process.kill()

    def kill(self, random: Random) -> str:
        if random.random() < _BEHIND_COMMIT_SHARE:
            return self._set_trap(random)
        place, seconds = random.randrange(len(self._replicas)), random.uniform(0.5, 40)
        victim = self._replicas[place]
        victim.process.kill()
        self._begin_later(place, seconds)
        return f"{victim.process.name} for {seconds:.1f} s"

    def pause(self, random: Random) -> str:
        victim, seconds = random.choice(self._replicas), random.choice((2.0, 8.0, 18.0, 30.0, 70.0))
        victim.process.pause(seconds)
        self._around.groups.throw_out_silent()
        return f"{victim.process.name} for {seconds:.0f} s"

    def restore(self, random: Random) -> str:
        """Sets one database back, while no process of its service runs."""
        service, seconds = random.choice(SERVICES), random.uniform(5, 40)
        places = [place for place, one in enumerate(self._replicas) if one.service == service]
        for place in places:
            self._replicas[place].process.kill()
            self._begin_later(place, seconds + random.uniform(0, 5))
        at = self._backups.restore(service, random)
        self._on_restore(service, at)
        return f"{service} to {at:.0f} s, back in {seconds:.0f} s"

    def disarm(self) -> None:
        """No process is killed any more."""
        self._traps.clear()

    def _set_trap(self, random: Random) -> str:
        service = random.choice(SERVICES)
        collections = sorted(self._around.databases[service].collections)
        is_promise = random.random() < _PROMISES_SHARE or not collections
        collection = random.choice(_PROMISES if is_promise else collections)
        passed, seconds = random.randint(0, _MOST_PASSED), random.uniform(0, _BEHIND_COMMIT_SECONDS)
        self._traps[service] = _Trap(collection, passed, seconds, random.uniform(0.5, 40))
        return f"whoever of {service} commits {collection} after {passed} more"

    def _spring(self, service: str, written: Sequence[Written]) -> None:
        trap, process = self._traps.get(service), self._around.network.caller
        if trap is None or process is None or all(one.collection != trap.collection for one in written):
            return
        trap.passed -= 1
        if trap.passed < 0:
            del self._traps[service]
            self._around.network.later(trap.seconds, lambda: self._kill(process, trap.down_seconds))

    def _kill(self, process: Process, seconds: float) -> None:
        for place, replica in enumerate(self._replicas):
            if replica.process is process and process.is_alive:
                process.kill()
                self._begin_later(place, seconds)

    def _begin_later(self, place: int, seconds: float) -> None:
        """Begins the successor of a process that was killed, unless it was killed once more meanwhile."""
        dead = self._replicas[place]

        def start() -> None:
            if self._replicas[place] is dead:
                self._replicas[place] = Replica(self._around, dead.service, place)

        self._around.network.later(seconds, start)
