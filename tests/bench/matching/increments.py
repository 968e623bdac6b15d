"""Rows of what a change of one account costs the engine once both lists are compared.

The engine's work alone, in this process: reading the lists, and the writing and reading of tasks, are the
service's.  The baseline is a comparison of everything.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from matcher.proposals.account_index import AccountIndex
from matcher.proposals.engine import propose_accounts
from matcher.proposals.records import AccountRecord
from matcher.proposals.trial_lists import AccountRow
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.matching.models import LabelledSet, Record

_CHANGES = 30
_MOST_MS = 100.0


def increment_rows(title: str, labelled: LabelledSet) -> Iterator[Row]:
    """Yield the milliseconds of a new account and of a rename, beside those of comparing all."""
    vendor, psa = (_records(side) for side in (labelled.vendor, labelled.psa))
    started = time.perf_counter()
    propose_accounts(list(vendor.values()), list(psa.values()), explained=True)
    everything = _ms(started)
    index, random = AccountIndex(), Random(5)
    index.update(vendor, psa)

    def arrive(number: int) -> None:
        other = random.choice(list(psa.values()))
        index.update({f"new{number}": replace(other, id=f"new{number}", name=f"{other.name} Holding")}, {})

    def rename(_: int) -> None:
        company, other = random.sample(list(psa.values()), 2)
        psa[company.id] = replace(company, name=f"{other.name.split()[0]} {company.name}")
        index.update({}, {company.id: psa[company.id]})

    for name, change in (("one new account", arrive), ("one renamed company", rename)):
        yield _row(f"{title}: {name}", [_timed(change, number) for number in range(_CHANGES)], everything)


def _records(side: list[Record]) -> dict[str, AccountRecord]:
    return {one.id: one for one in (AccountRow.model_validate(row).record() for row in side)}


def _timed(change: Callable[[int], None], number: int) -> float:
    started = time.perf_counter()
    change(number)
    return _ms(started)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _row(name: str, taken_ms: list[float], everything_ms: float) -> Row:
    return Row(
        name=name,
        unit="ms",
        ours=Spread.of(taken_ms),
        bare=Spread.of([everything_ms]),
        target=Target(Sign.AT_MOST, _MOST_MS),
        samples=tuple(Sample(one / 1000, 1) for one in taken_ms),
        notes=("the engine's work alone; the baseline compares everything",),
    )
