"""One simulation: a world, the services, a schedule of what happens, and the oracle that watches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from shared.contracts.base import RunKind
from tests.simulation import mutations, scenario
from tests.simulation.bug_log import BUGS
from tests.simulation.oracle.closed_runs import ClosedRuns
from tests.simulation.oracle.final_state import FinalState
from tests.simulation.oracle.outboxes import Outboxes
from tests.simulation.oracle.plain_numbers import PlainNumbers
from tests.simulation.oracle.violation import Violation
from tests.simulation.oracle.writes import Writes
from tests.simulation.people import People
from tests.simulation.replicas import Replicas
from tests.simulation.schedule import Decision, Kind
from tests.simulation.services import Replica, Surroundings
from tests.simulation.world import LISTED_WITHIN_SECONDS

_REST_SECONDS = 2400.0
_LOOK_SECONDS = 20.0
_MEDDLED_SHARE, _MEDDLED_SECONDS = 0.15, 4.0
"""How often somebody else changes a line that we are about to write to, and how soon after our look."""


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
        self.outboxes = Outboxes(self.around.databases, self.around.log)
        self._failure: Violation | None = None
        self._rests = 0
        self._meddling = Random(f"{seed}/meddling")
        self.around.psa.on_send = self._guarded(self.writes.on_send)
        self.around.psa.on_arrive = self._guarded(self.writes.on_arrive)
        self.around.psa.on_look = self._meddle
        for look in (self.numbers.on_commit, self.closed_runs.on_commit, self.writes.on_commit):
            billing.listeners.append(self._guarded(look))
        scenario.begin(self.around.world, Random(f"{seed}/world"))
        scenario.announce(self.around.log)
        scenario.announce_mappings(self.around.world, self.around.log)
        self._replicas = Replicas(self.around, on_restore=self._note_restore)
        self.around.world.is_known = self._is_read

    def run(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self._run_until(decision.at)
            self._apply(decision)
        self._rest()
        self.outboxes.check()
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
        self._replicas.close()
        self.around.loop.close()

    def _apply(self, decision: Decision) -> None:
        happenings: dict[Kind, Callable[[Random], str | None]] = {
            Kind.MUTATE: self._mutate,
            Kind.SYNC: self._sync,
            Kind.APPROVE: lambda random: self.people.decide(self._billing(random), random),
            Kind.RESOLVE: lambda random: self.people.resolve(self._billing(random), random),
            Kind.KILL: self._replicas.kill,
            Kind.PAUSE: self._replicas.pause,
            Kind.RESTORE: self._replicas.restore,
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

    def _billing(self, random: Random) -> Replica:
        return self._replicas.billing(random)

    def _note_restore(self, service: str, at: float) -> None:
        self.outboxes.note_restore(service)
        self.writes.note_restore(service, at)
        if service == "vendor-sync":
            self.around.world.list_all()  # it may have forgotten what was renewed (decision 30)

    def _is_read(self, subscription_id: str) -> bool:
        entries = self.around.databases["vendor-sync"].documents("subscriptions")
        return any(one["row"]["subscription_id"] == subscription_id and one["read_at"] for one in entries)

    def _meddle(self, line_id: str) -> None:
        """Lets somebody else work at a line that we have just looked at, to write to it."""
        random = self._meddling

        def meddle() -> None:
            self.history.note(f"{'meddle':8} {mutations.meddle(self.around.world, random, line_id)}")

        is_likely = self.around.network.is_faulty and self.people.waits_for(line_id)
        if is_likely and random.random() < _MEDDLED_SHARE:
            self.around.network.later(random.uniform(0, _MEDDLED_SECONDS), meddle)

    def _rest(self) -> None:
        """Lets everything come to rest: nothing is lost any more, and all is read twice.

        What ended counts as ended once a list would show its renewal: so long passes between the two.
        """
        self.history.note("rest")
        self.around.network.is_faulty = self.around.log.is_slow = False
        self._replicas.disarm()
        self._run_until(self.around.loop.time() + 150)
        self._wait()  # a request would join a run that still goes on, and read no second time
        for _ in range(2):
            self.people.sync(self._billing(Random(0)), RunKind.FULL)
            self._run_until(self.around.loop.time() + _LOOK_SECONDS)
            self._wait()
            if self.final_state.waiting():
                return  # for ever: a second reading does not help
            self._run_until(self.around.loop.time() + LISTED_WITHIN_SECONDS)

    def _wait(self) -> None:
        """Lets pass what goes on, for a while."""
        until = self.around.loop.time() + _REST_SECONDS
        while self.final_state.waiting() and self.around.loop.time() < until:
            self.people.release_all(self._billing(Random(0)))
            self._run_until(self.around.loop.time() + _LOOK_SECONDS)

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
