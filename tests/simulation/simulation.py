"""One simulation: a world, the services, a schedule of what happens, and the oracle that watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from shared.contracts.base import RunKind
from tests.simulation import mutations, scenario
from tests.simulation.backups import Backups
from tests.simulation.bug_log import BUGS
from tests.simulation.oracle.closed_runs import ClosedRuns
from tests.simulation.oracle.final_state import FinalState
from tests.simulation.oracle.plain_numbers import PlainNumbers
from tests.simulation.oracle.violation import Violation
from tests.simulation.oracle.writes import Writes
from tests.simulation.people import People
from tests.simulation.schedule import Decision, Kind
from tests.simulation.services import SERVICES, Replica, Surroundings
from tests.simulation.world import LISTED_WITHIN_SECONDS

_REPLICAS = {"vendor-sync": 2, "psa-sync": 2, "billing": 2}
_REST_SECONDS = 2400.0
_LOOK_SECONDS = 20.0


@dataclass(slots=True)
class History:
    """What happened, a sentence each."""

    loop_time: Callable[[], float]
    sentences: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.sentences.append(f"{self.loop_time():9.3f}  {sentence}")


@dataclass(slots=True)
class Proven:
    """How often each invariant was looked at: one that never was proves nothing."""

    numbers: int = 0
    conserved: int = 0
    runs: int = 0
    writes: int = 0
    approvals: int = 0
    rests: int = 0

    def __add__(self, other: "Proven") -> "Proven":
        names = ("numbers", "conserved", "runs", "writes", "approvals", "rests")
        return Proven(*(getattr(self, name) + getattr(other, name) for name in names))

    def counts(self, invariant: str) -> str:
        """How much was looked at, in words."""
        return {
            "a": f"{self.numbers} numbers",
            "b": f"{self.conserved} totals",
            "c": f"{self.runs} runs",
            "e": f"{self.writes} writes",
            "f": f"{self.approvals} approvals",
        }.get(invariant, f"{self.rests} times at rest")


class Simulation:
    """Runs a schedule to its end, and to rest; raises `Violation` as soon as an invariant does not hold."""

    def __init__(self, seed: str) -> None:
        self.around = Surroundings.of(seed)
        self.history = History(self.around.loop.time)
        billing = self.around.databases["billing"]
        self.people = People(billing, self.around.network)
        self.numbers = PlainNumbers(self.around.world)
        self.closed_runs = ClosedRuns(billing, self.around.log)
        self.writes = Writes(self.around.world, self.people.line_shown, self.around.psa.last_look)
        self.final_state = FinalState(
            self.around.world, self.around.databases, self.around.log, self.writes.is_lost
        )
        self._backups = Backups(self.around.databases, self.around.loop.time, self.around.network.later)
        self._backups.begin()
        self._failure: Violation | None = None
        self._rests = 0
        self.around.psa.on_send = self._guarded(self.writes.on_send)
        for look in (self.numbers.on_commit, self.closed_runs.on_commit, self.writes.on_commit):
            billing.listeners.append(self._guarded(look))
        scenario.begin(self.around.world, Random(f"{seed}/world"))
        scenario.announce(self.around.log)
        scenario.announce_mappings(self.around.world, self.around.log)
        self._replicas = [
            Replica(self.around, service, number + 1)
            for service in SERVICES
            for number in range(_REPLICAS[service])
        ]

    def run(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self._run_until(decision.at)
            self._apply(decision)
        self._rest()
        self.final_state.check()
        self.writes.check_at_rest()
        self._rests += 1

    @property
    def proven(self) -> Proven:
        return Proven(
            self.numbers.seen,
            self.numbers.conserved,
            self.closed_runs.closed_complete,
            self.writes.sent,
            self.writes.proven,
            self._rests,
        )

    def close(self) -> None:
        """Ends every process, so that nothing is left behind."""
        for replica in self._replicas:
            replica.process.kill()
        self.around.loop.close()

    def _apply(self, decision: Decision) -> None:
        happenings: dict[Kind, Callable[[Random], str | None]] = {
            Kind.MUTATE: self._mutate,
            Kind.SYNC: self._sync,
            Kind.APPROVE: lambda random: self.people.decide(self._billing(random), random),
            Kind.RESOLVE: lambda random: self.people.resolve(self._billing(random), random),
            Kind.KILL: self._kill,
            Kind.PAUSE: self._pause,
            Kind.RESTORE: self._restore,
        }
        if sentence := happenings[decision.kind](decision.random):
            self.history.note(f"{decision.kind:8} {sentence}")

    def _mutate(self, random: Random) -> str | None:
        kinds, weights = list(mutations.WEIGHTS), list(mutations.WEIGHTS.values())
        [mutate] = random.choices(kinds, weights)
        return mutate(self.around.world, random)

    def _sync(self, random: Random) -> str | None:
        kind = random.choice((RunKind.FULL, RunKind.FULL, RunKind.QUICK))
        return self.people.sync(self._billing(random), kind)

    def _kill(self, random: Random) -> str:
        place = random.randrange(len(self._replicas))
        victim, seconds = self._replicas[place], random.uniform(0.5, 40)
        victim.process.kill()
        self._begin_later(place, seconds)
        return f"{victim.process.name} for {seconds:.1f} s"

    def _restore(self, random: Random) -> str:
        """Sets one database back, while no process of its service runs."""
        service, seconds = random.choice(SERVICES), random.uniform(5, 40)
        places = [place for place, one in enumerate(self._replicas) if one.service == service]
        for place in places:
            self._replicas[place].process.kill()
            self._begin_later(place, seconds + random.uniform(0, 5))
        at = self._backups.restore(service, random)
        if service == "billing":
            self.writes.note_restore(at)
        return f"{service} to {at:.0f} s, back in {seconds:.0f} s"

    def _pause(self, random: Random) -> str:
        victim, seconds = random.choice(self._replicas), random.choice((2.0, 8.0, 18.0, 30.0, 70.0))
        victim.process.pause(seconds)
        self.around.groups.throw_out_silent()
        return f"{victim.process.name} for {seconds:.0f} s"

    def _begin_later(self, place: int, seconds: float) -> None:
        """Begins the successor of a process that was killed, unless it was killed once more meanwhile."""
        dead = self._replicas[place]

        def start() -> None:
            if self._replicas[place] is dead:
                self._replicas[place] = Replica(self.around, dead.service, place)

        self.around.network.later(seconds, start)

    def _billing(self, random: Random) -> Replica:
        return random.choice([one for one in self._replicas if one.service == "billing"])

    def _rest(self) -> None:
        """Lets everything come to rest: nothing is lost any more, and all is read twice.

        What ended counts as ended once a list would show its renewal: so long passes between the two.
        """
        self.history.note("rest")
        self.around.network.is_faulty = self.around.log.is_slow = False
        self._run_until(self.around.loop.time() + 150)
        for _ in range(2):
            self.people.sync(self._billing(Random(0)), RunKind.FULL)
            self._run_until(self.around.loop.time() + _LOOK_SECONDS)
            until = self.around.loop.time() + _REST_SECONDS
            while self.final_state.waiting() and self.around.loop.time() < until:
                self.people.release_all(self._billing(Random(0)))
                self._run_until(self.around.loop.time() + _LOOK_SECONDS)
            self._run_until(self.around.loop.time() + LISTED_WITHIN_SECONDS)

    def _run_until(self, moment: float) -> None:
        self.around.loop.run_until(moment)
        if self._failure:
            raise self._failure
        if BUGS.first:
            raise AssertionError(f"a bug was logged: {BUGS.first}")
        if self.around.loop.failures:
            raise AssertionError(f"nobody heard of {self.around.loop.failures[0]}")

    def _guarded(self, look: Callable[..., None]) -> Callable[..., None]:
        """A violation must not be an error of the store or the PSA, which the product would survive."""

        def guarded(*seen: object) -> None:
            try:
                look(*seen)
            except Violation as violation:
                self._failure = self._failure or violation

        return guarded
