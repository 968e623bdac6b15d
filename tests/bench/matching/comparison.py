"""What the row `matching` measures: labelled sets, the engine on each, and the methods beside it."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.matching import packages
from tests.bench.matching.accounts import labelled_accounts
from tests.bench.matching.companies import NameStock
from tests.bench.matching.metrics import Accuracy, accuracy, accuracy_by
from tests.bench.matching.models import Label, LabelledSet
from tests.bench.matching.rivals import METHODS
from tests.bench.matching.services import labelled_services
from tests.bench.matching.trial import Trial, run_trial

ENGINE = (sys.executable, "-m", "matcher", "trial")
TRUEUP = "Trueup"

_SEED = 20
"""Of the published sets; those that people develop with have other seeds."""
_SAMPLE = 1_000
_COMPARES_ALL_PAIRS = "rapidfuzz"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the engine is to reach on a set."""

    recall_at_1: float
    recall_at_5: float
    precision: float
    coverage: float
    seconds: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class SetDefinition:
    """A labelled set by its title, how it is made, and what is to be reached on it."""

    title: str
    make: Callable[[NameStock], LabelledSet]
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One method on one set."""

    method: str
    whole: Accuracy
    by_class: Mapping[str, Accuracy]
    by_kind: Mapping[str, Accuracy]
    seconds: float
    peak_mb: float
    sampled: int = 0
    """How many vendor items it was asked about, where not about all; the seconds are for all of them."""


def definitions(*, quick: bool) -> tuple[SetDefinition, ...]:
    """Return the sets; a first look takes a tenth of the accounts, and leaves the largest set out."""
    size = 1_000 if quick else 10_000
    small = _accounts(size, Limits(0.99, 0.995, 0.995, 0.95, 3, 500))
    large = _accounts(100_000, Limits(0.97, 0.99, 0.99, 0.9, 60, 2_000))
    names = SetDefinition(
        f"accounts {size:,} × {size:,}, names alone",
        lambda stock: labelled_accounts(size, _SEED, stock, names_alone=True),
    )
    services = SetDefinition(
        "services 600 × 2,000",
        lambda _: labelled_services(600, 2_000, _SEED),
        Limits(0.95, 0.99, 0.99, 0.85, 1, 500),
    )
    return (small, names, services) if quick else (small, large, services, names)


def compare(
    labelled: LabelledSet,
    directory: Path,
    *,
    engine: Sequence[str] = ENGINE,
    methods: Sequence[str] = tuple(METHODS),
) -> list[Measured]:
    """Return the engine's figures on a set, then those of each method beside it."""
    trial = run_trial(engine, labelled, directory)
    measured = [_measured(TRUEUP, labelled.truth, trial)]
    return [*measured, *(_measure_rival(method, labelled, directory) for method in methods)]


def _accounts(size: int, limits: Limits) -> SetDefinition:
    title = f"accounts {size:,} × {size:,}"
    return SetDefinition(title, lambda stock: labelled_accounts(size, _SEED, stock), limits)


def _measure_rival(method: str, labelled: LabelledSet, directory: Path) -> Measured:
    """Measure a method; one that compares every pair is asked about a sample of a long list."""
    sampled = _SAMPLE if method.startswith(_COMPARES_ALL_PAIRS) and len(labelled.vendor) > _SAMPLE else 0
    command = (sys.executable, "-m", "tests.bench.matching.rivals", method, "--sample", str(sampled))
    libraries = str(packages.place_of(packages.RIVALS).absolute())
    trial = run_trial(command, labelled, directory, {"PYTHONPATH": libraries})
    asked = {item["id"] for item in labelled.vendor[: sampled or None]}
    truth = {item: label for item, label in labelled.truth.items() if item in asked}
    return _measured(
        method, truth, trial, sampled=sampled, times=len(labelled.vendor) / sampled if sampled else 1
    )


def _measured(
    method: str, truth: Mapping[str, Label], trial: Trial, *, sampled: int = 0, times: float = 1
) -> Measured:
    return Measured(
        method=method,
        whole=accuracy(truth, trial.predictions),
        by_class=accuracy_by(truth, trial.predictions),
        by_kind=accuracy_by(truth, trial.predictions, attribute="kind"),
        seconds=trial.seconds * times,
        peak_mb=trial.peak_mb,
        sampled=sampled,
    )
