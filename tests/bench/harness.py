"""Measuring side by side: ours and a bare baseline take turns, so that a busy machine slows both alike.

Only ratios taken within a pair, and their median, are to be trusted; absolute figures are of one machine.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One side, measured once: `count` things in so many seconds, and what the process used for them."""

    seconds: float
    count: int
    cpu_seconds: float | None = None
    peak_mb: float | None = None

    @property
    def rate(self) -> float:
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Pair:
    """Ours and the baseline, measured one right after the other."""

    ours: Sample
    bare: Sample

    @property
    def rate_ratio(self) -> float:
        """Our rate by the bare one: larger is better."""
        return self.ours.rate / self.bare.rate

    @property
    def time_ratio(self) -> float:
        """Our time by the bare one, for the same work: smaller is better."""
        return self.ours.seconds / self.bare.seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of several values, and how far apart they are."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


class Sign(StrEnum):
    """On which side of its limit a value should be."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Target:
    """What architecture §12 asks for."""

    sign: Sign
    limit: float

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.sign is Sign.AT_LEAST else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    """Of `ours` and `bare`."""
    ours: Spread
    bare: Spread | None = None
    ratio: Spread | None = None
    """What the target speaks of; without one it speaks of `ours`."""
    target: Target | None = None
    samples: tuple[Sample, ...] = ()
    baselines: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool | None:
        """By the median; None where there is no target."""
        return None if self.target is None else self.target.met_by((self.ratio or self.ours).median)


Measuring = Callable[[], Awaitable[Sample]]


ENOUGH = 5
"""Pairs that a median takes (architecture §12)."""


async def in_turn(ours: Measuring, bare: Measuring, pairs: int, *, within: float = inf) -> list[Pair]:
    """Ours, bare, ours, bare …: never one side after the other as a whole.

    No pair is begun after `within` seconds, but there is always one.
    """
    until = time.monotonic() + within
    done = [Pair(await ours(), await bare())]
    while len(done) < pairs and time.monotonic() < until:
        done.append(Pair(await ours(), await bare()))
    return done


def row_of_rates(name: str, unit: str, pairs: Sequence[Pair], target: Target) -> Row:
    """For work whose speed counts; the ratio is ours by bare."""
    return Row(
        name=name,
        unit=unit,
        ours=Spread.of([pair.ours.rate for pair in pairs]),
        bare=Spread.of([pair.bare.rate for pair in pairs]),
        ratio=Spread.of([pair.rate_ratio for pair in pairs]),
        target=target,
        samples=tuple(pair.ours for pair in pairs),
        baselines=tuple(pair.bare for pair in pairs),
        notes=_caution(pairs),
    )


def row_of_times(name: str, pairs: Sequence[Pair], target: Target, *, notes: tuple[str, ...] = ()) -> Row:
    """For work whose duration counts; the ratio is ours by bare."""
    return Row(
        name=name,
        unit="s",
        ours=Spread.of([pair.ours.seconds for pair in pairs]),
        bare=Spread.of([pair.bare.seconds for pair in pairs]),
        ratio=Spread.of([pair.time_ratio for pair in pairs]),
        target=target,
        samples=tuple(pair.ours for pair in pairs),
        baselines=tuple(pair.bare for pair in pairs),
        notes=(*notes, *_caution(pairs)),
    )


def _caution(pairs: Sequence[Pair]) -> tuple[str, ...]:
    few = len(pairs) < ENOUGH
    return (f"{len(pairs)} of the {ENOUGH} pairs that a verdict takes",) if few else ()
