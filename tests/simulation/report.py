"""Runs seeds, adds up what they have proven, and tells a failure with its seed and shrunk history."""

import gc
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.simulation.bug_log import BUGS
from tests.simulation.oracle.violation import Violation
from tests.simulation.schedule import Decision, schedule
from tests.simulation.shrinker import shrunk
from tests.simulation.simulation import Proven, Simulation

INVARIANTS = {
    "a": "every plain number was true at a single instant between its reading and now",
    "b": "what is conserved never shows another total",
    "c": "a run closed complete has every named observation stored",
    "d": "an odd entity changes no line without it",
    "e": "a write is sent only while every sealed fact holds",
    "f": "the PSA's last value is the last proven approval, or a conflict is told",
    "g": "every approval ends, and nothing waits for ever",
    "h": "folding the last record of each key is folding the topic",
    "i": "every open line of a mapped product is in exactly one usage line",
}


@dataclass(slots=True)
class Outcome:
    """What one seed came to."""

    seed: str
    steps: int
    proven: Proven
    virtual_seconds: float
    real_seconds: float
    failure: Exception | None = None
    history: Sequence[str] = ()


def simulate(seed: str, decisions: Sequence[Decision]) -> Outcome:
    started, failure = time.monotonic(), None
    with BUGS.taking_over():
        simulation = Simulation(seed)
        try:
            simulation.run(decisions)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told with its seed
            failure = error
        virtual, history = simulation.around.loop.time(), simulation.history.sentences
        proven = simulation.proven
        simulation.close()
    gc.collect()
    return Outcome(seed, len(decisions), proven, virtual, time.monotonic() - started, failure, history)


def smallest(outcome: Outcome, *, within_seconds: float) -> Outcome:
    """Returns the smallest history of the same seed that fails alike."""
    best = outcome

    def fails(decisions: Sequence[Decision]) -> bool:
        nonlocal best
        again = simulate(outcome.seed, decisions)
        if _kind_of(again.failure) != _kind_of(outcome.failure):
            return False
        best = again
        return True

    decisions = list(schedule(outcome.seed, outcome.steps))
    shrunk(decisions, fails, within_seconds=within_seconds)
    return best


def table(outcomes: Iterable[Outcome]) -> str:
    outcomes = list(outcomes)
    total = Proven()
    for outcome in outcomes:
        total += outcome.proven
    lines = [f"  ({letter}) {sentence}: {total.counts(letter)}" for letter, sentence in INVARIANTS.items()]
    virtual = sum(one.virtual_seconds for one in outcomes)
    real = sum(one.real_seconds for one in outcomes)
    steps = sum(one.steps for one in outcomes)
    lines.append(
        f"  {len(outcomes)} seeds, {steps} steps, {virtual / 3600:.1f} virtual hours in {real:.0f} s"
    )
    return "\n".join(lines)


def told(outcome: Outcome) -> str:
    """A failure for people: the seed, what does not hold, and what led to it."""
    lines = [f"seed {outcome.seed} fails after {len(outcome.history)} steps:", *outcome.history]
    return "\n".join([*lines, f"{type(outcome.failure).__name__}: {outcome.failure}"])


def _kind_of(failure: Exception | None) -> str:
    return failure.invariant if isinstance(failure, Violation) else type(failure).__name__
