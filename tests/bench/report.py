"""The table that people read, and the same as JSON for those who compare runs."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tests.bench.harness import ENOUGH, Row, Spread

_HEADS = ("row", "ours", "bare", "ratio", "target", "", "CPU s", "peak MB")


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Medians, with the least and the most behind them; CPU and memory as ours / bare."""
    cells = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(_HEADS))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    for row in rows:
        yield from (f"  {row.name}: {note}" for note in row.notes)


def save(rows: Sequence[Row], directory: Path, *, quick: bool) -> Path:
    """One file per run, named by its time."""
    now = datetime.now(UTC)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()}
    document = {
        "at": now.isoformat(),
        "quick": quick,
        "machine": machine,
        "rows": [_plain(row) for row in rows],
    }
    path = directory / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False), "utf-8")
    return path


def _plain(row: Row) -> dict[str, object]:
    return asdict(row) | {"met": row.met}


def _cells(row: Row) -> tuple[str, ...]:
    target = f"{row.target.sign} {row.target.limit:g}" if row.target else ""
    ratio = _spread(row.ratio) if row.ratio else ""
    both = row.samples, row.baselines
    cpu = _both(*([one.cpu_seconds for one in side] for side in both))
    peak = _both(*([one.peak_mb for one in side] for side in both))
    bare = f"{_spread(row.bare)} {row.unit}" if row.bare else ""
    return row.name, f"{_spread(row.ours)} {row.unit}", bare, ratio, target, _verdict(row), cpu, peak


def _verdict(row: Row) -> str:
    """Whether the target is met; fewer pairs than a median takes are no verdict, and it says so."""
    if 0 < len(row.baselines) < ENOUGH:
        return {None: "", True: "met, few pairs", False: "not met, few pairs"}[row.met]
    return {None: "", True: "met", False: "NOT MET"}[row.met]


def _both(ours: Sequence[float | None], bare: Sequence[float | None]) -> str:
    return " / ".join(text for side in (ours, bare) if (text := _middle(side)))


def _middle(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return _number(median(known)) if known else ""


def _spread(spread: Spread) -> str:
    if spread.least == spread.most:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.least)}–{_number(spread.most)})"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
