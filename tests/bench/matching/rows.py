"""Rows `matching`: how well and how fast proposals are made, on labelled sets, beside other methods.

No server is needed.  The tables go to the matcher's page unless it is a first look; what each kind of
perturbation gave is saved beside the other rows.
"""

import asyncio
import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from standalone.startup_order import print_line
from tests.bench.harness import Row, Sample, Sign, Spread, Target
from tests.bench.matching import packages
from tests.bench.matching.accuracy_table import PAGE, published, write_page
from tests.bench.matching.comparison import ENGINE, Limits, Measured, SetDefinition, compare, definitions
from tests.bench.matching.increments import increment_rows
from tests.bench.matching.name_stock import read_stock

_DIRECTORY = Path(".trueup/bench/matching")
_CALIBRATED = 0.02


async def measure(*, quick: bool, engine: Sequence[str] = ENGINE) -> list[Row]:
    return await asyncio.to_thread(_measure, engine, quick=quick)


def _measure(engine: Sequence[str], *, quick: bool) -> list[Row]:
    stock = read_stock(packages.install(packages.NAMES))
    packages.install(packages.RIVALS)
    results: dict[str, list[Measured]] = {}
    rows: list[Row] = []
    for place, definition in enumerate(definitions(quick=quick)):
        print_line(f"  {definition.title}: making the set …")
        labelled = definition.make(stock)
        print_line(f"  {definition.title}: measuring {len(labelled.vendor):,} × {len(labelled.psa):,} …")
        results[definition.title] = compare(labelled, _DIRECTORY, engine=engine)
        rows += rows_of(definition, results[definition.title][0], len(labelled.vendor))
        if not place:
            rows += increment_rows(definition.title, labelled)
    now = datetime.now(UTC)
    document = {title: [asdict(each) for each in measured] for title, measured in results.items()}
    path = _DIRECTORY / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    text = published(results, now.date(), f"{os.cpu_count()} cores, Python {platform.python_version()}")
    if quick:
        print_line(text)
    else:
        write_page(PAGE, text)
    return rows


def rows_of(definition: SetDefinition, ours: Measured, count: int) -> Iterator[Row]:
    """Yield the time of a set with its memory, then each figure of accuracy, held to its limit."""
    sample = Sample(ours.seconds, count, peak_mb=ours.peak_mb)
    limits = definition.limits
    seconds = Target(Sign.AT_MOST, limits.seconds) if limits else None
    yield Row(
        name=f"{definition.title}: time",
        unit="s",
        ours=Spread.of([ours.seconds]),
        target=seconds,
        samples=(sample,),
    )
    for name, value, unit, target in _figures(ours, limits):
        yield Row(name=f"{definition.title}: {name}", unit=unit, ours=Spread.of([value]), target=target)


def _figures(ours: Measured, limits: Limits | None) -> Iterator[tuple[str, float, str, Target | None]]:
    shown, whole = ours.whole.shown[0.9], ours.whole
    least = [None, None, None, None] if limits is None else [
        Target(Sign.AT_LEAST, limit)
        for limit in (limits.recall_at_1, limits.recall_at_5, limits.precision, limits.coverage)
    ]  # fmt: skip
    yield "memory", ours.peak_mb, "MB", Target(Sign.AT_MOST, limits.peak_mb) if limits else None
    yield "recall at 1", whole.recall_at_1, "", least[0]
    yield "recall at 5", whole.recall_at_5, "", least[1]
    yield "precision at 0.9", shown.precision, "", least[2]
    yield "coverage at 0.9", shown.coverage, "", least[3]
    yield "calibration error", whole.calibration_error, "", Target(Sign.AT_MOST, _CALIBRATED)
    yield "wrong automatic mappings", whole.wrong_auto, "", Target(Sign.AT_MOST, 0)
