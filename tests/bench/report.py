"""Formats the rows as a table for people, and saves them as JSON for comparing runs."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.bench.harness import MIN_PAIRS, Row, Spread

_HEADS = ("row", "ours", "bare", "ratio", "target", "", "CPU s", "peak MB")


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the table's lines: medians with least and most, CPU and memory as ours / bare, then notes."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADS))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    for row in rows:
        yield from (f"  {row.name}: {note}" for note in row.notes)


def save(rows: Sequence[Row], directory: Path, *, quick: bool) -> Path:
    """Write the rows to a file named by the time, and return its path."""
    now = datetime.now(UTC)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    document = {
        "at": now.isoformat(),
        "quick": quick,
        "machine": machine,
        "rows": [asdict(row) | {"met": row.met} for row in rows],
    }
    path = directory / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    return path


def _cells(row: Row) -> tuple[str, ...]:
    target = f"{row.target.sign} {row.target.limit:g}" if row.target else ""
    ratio = _spread(row.ratio) if row.ratio else ""
    sides = row.samples, row.baselines
    cpu = _medians([[sample.cpu_seconds for sample in side] for side in sides])
    peak = _medians([[sample.peak_mb for sample in side] for side in sides])
    bare = f"{_spread(row.bare)} {row.unit}" if row.bare else ""
    return row.name, f"{_spread(row.ours)} {row.unit}", bare, ratio, target, _verdict(row), cpu, peak


def _verdict(row: Row) -> str:
    """Return whether the target is met; with fewer pairs than a median takes it says so as well."""
    if 0 < len(row.baselines) < MIN_PAIRS:
        return {None: "", True: "met, few pairs", False: "not met, few pairs"}[row.met]
    return {None: "", True: "met", False: "NOT MET"}[row.met]


def _medians(sides: Sequence[Sequence[float | None]]) -> str:
    # A side that was not measured is left out, not shown as zero.
    known = [[value for value in side if value is not None] for side in sides]
    return " / ".join(_number(median(values)) for values in known if values)


def _spread(spread: Spread) -> str:
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)}–{_number(spread.most)})"


def _number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
