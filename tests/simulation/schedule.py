"""What happens to the system, and when: decisions drawn from a seed, of which some may be left out."""

# Each decision draws what it needs from a seed of its own, so leaving one out changes no other: a failing
# history can be made smaller by leaving decisions out one after the other.

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What may happen in a step."""

    MUTATE = "mutate"
    SYNC = "sync"
    APPROVE = "approve"
    KILL = "kill"
    PAUSE = "pause"
    RESOLVE = "resolve"
    RESTORE = "restore"


_WEIGHTS = {
    Kind.MUTATE: 60,
    Kind.SYNC: 8,
    Kind.APPROVE: 35,
    Kind.KILL: 6,
    Kind.PAUSE: 4,
    Kind.RESOLVE: 6,
}
_RESTORED_SHARE = 0.4
"""Of the histories so many have one restore, somewhere behind their first third."""
_MEAN_SECONDS = 12.0
_LEAST_STEPS = 30


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of a simulation."""

    number: int
    kind: Kind
    at: float
    """Seconds since the beginning."""
    seed: str

    @property
    def random(self) -> Random:
        return Random(self.seed)


def schedule(seed: str, steps: int) -> Sequence[Decision]:
    random, at, decisions = Random(f"{seed}/schedule"), 30.0, list[Decision]()
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    for number in range(steps):
        at += random.expovariate(1 / _MEAN_SECONDS)
        [kind] = random.choices(kinds, weights)
        decisions.append(Decision(number, kind, at, f"{seed}/{number}"))
    draw = Random(f"{seed}/restore")
    if steps >= _LEAST_STEPS and draw.random() < _RESTORED_SHARE:
        number = draw.randrange(steps // 3, steps)
        decisions[number] = replace(decisions[number], kind=Kind.RESTORE)
    return decisions
