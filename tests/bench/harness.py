"""Measures the product (`ours`) and a bare baseline (`bare`) side by side."""

# The two sides take turns, so that a busy machine slows both alike; only ratios taken within a pair, and
# their median, are to be trusted.  With ours 1.2 s, 12 s, 1.2 s and bare 1 s, 10 s, 1 s the ratio is 1.2 in
# each pair, although one of them was measured on a machine ten times as busy.  A median takes five pairs;
# fewer are reported and judged with that caution.

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One side, measured once: the seconds for `count` things, and the processor time and memory."""

    seconds: float
    count: int
    cpu_seconds: float | None = None
    peak_mb: float | None = None

    @property
    def rate(self) -> float:
        return self.count / self.seconds


@dataclass(frozen=True, slots=True)
class Pair:
    """The product and the baseline, measured one right after the other."""

    ours: Sample
    bare: Sample

    @property
    def rate_ratio(self) -> float:
        """The product's rate divided by the baseline's: larger is better."""
        return self.ours.rate / self.bare.rate

    @property
    def time_ratio(self) -> float:
        """The product's time divided by the baseline's, for the same work: smaller is better."""
        return self.ours.seconds / self.bare.seconds


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several values, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


class Sign(StrEnum):
    """On which side of its limit a value meets a target."""

    AT_LEAST = "≥"
    AT_MOST = "≤"


@dataclass(frozen=True, slots=True)
class Target:
    """A limit of architecture §12."""

    sign: Sign
    limit: float

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.sign is Sign.AT_LEAST else value <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    """The unit of `ours` and `bare`."""
    ours: Spread
    bare: Spread | None = None
    ratio: Spread | None = None
    """What is compared with the target; without a ratio, `ours` is compared."""
    target: Target | None = None
    samples: tuple[Sample, ...] = ()
    baselines: tuple[Sample, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def met(self) -> bool | None:
        """Whether the median meets the target; None where there is no target."""
        return None if self.target is None else self.target.met_by((self.ratio or self.ours).median)


Measurement = Callable[[], Awaitable[Sample]]


MIN_PAIRS = 5
"""How many pairs a median needs (architecture §12)."""


async def alternate(
    ours: Measurement, bare: Measurement, pairs: int, *, within_seconds: float = inf
) -> list[Pair]:
    """Measure ours, bare, ours, bare …; begin no pair after `within_seconds`, but always measure one."""
    deadline = time.monotonic() + within_seconds
    measured = [Pair(await ours(), await bare())]
    while len(measured) < pairs and time.monotonic() < deadline:
        measured.append(Pair(await ours(), await bare()))
    return measured


def row_of_rates(name: str, unit: str, pairs: Sequence[Pair], target: Target) -> Row:
    """Return the row of work whose speed counts; the ratio is ours by bare."""
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
    """Return the row of work whose duration counts; the ratio is ours by bare."""
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
    few = len(pairs) < MIN_PAIRS
    return (f"{len(pairs)} of the {MIN_PAIRS} pairs that a verdict takes",) if few else ()
