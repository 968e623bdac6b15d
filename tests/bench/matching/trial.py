"""Runs an engine over a labelled set as a process of its own, and takes its time and memory.

An engine is any command that takes `--kind`, `--vendor`, `--psa` and `--out`, as `python -m matcher trial`
does.  It never sees the truth.
"""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.matching.files import read_predictions, write_set
from tests.bench.matching.metrics import Predictions
from tests.bench.matching.models import LabelledSet
from tests.bench.usage import resident_mb

_LOOK_EVERY_SECONDS = 0.02
_TIMEOUT_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What an engine predicted, how long it took, and the most that its processes held together."""

    predictions: Predictions
    seconds: float
    peak_mb: float


class EngineFailure(Exception):
    """An engine ended without predictions."""


def run_trial(
    command: Sequence[str],
    labelled: LabelledSet,
    directory: Path,
    environment: Mapping[str, str] | None = None,
) -> Trial:
    vendor, psa = write_set(labelled, directory)
    out = directory / f"{labelled.kind}_predictions.json"
    out.unlink(missing_ok=True)
    options = ["--kind", labelled.kind, "--vendor", str(vendor), "--psa", str(psa), "--out", str(out)]
    seconds, peak = _run(
        [*command, *options], directory / "engine.log", {**os.environ, **(environment or {})}
    )
    if not out.exists():
        raise EngineFailure(f"{' '.join(command)} ended well and wrote no {out}")
    return Trial(read_predictions(out), seconds, peak)


def _run(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> tuple[float, float]:
    peak = 0.0
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        try:
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
                peak = max(peak, sum(_held(pid) for pid in _with_children(process.pid)))
                if time.perf_counter() - started > _TIMEOUT_SECONDS:
                    raise EngineFailure(f"{' '.join(command)} did not end in {_TIMEOUT_SECONDS:.0f} s")
                time.sleep(_LOOK_EVERY_SECONDS)
            process.returncode = os.waitstatus_to_exitcode(ended[1])
            peak = max(peak, ended[2].ru_maxrss / 1024)  # one that ends between two looks was never seen
        finally:
            process.kill()
            process.wait()
    seconds = time.perf_counter() - started
    if process.returncode:
        end = log.read_text("utf-8", "replace")[-2_000:]
        raise EngineFailure(f"{' '.join(command)} ended with status {process.returncode}: {end}")
    return seconds, peak


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for at in found:
        for path in Path(f"/proc/{at}/task").glob("*/children"):
            try:
                found += map(int, path.read_text("ascii").split())
            except OSError:
                continue  # it ended while we looked
    return found


def _held(pid: int) -> float:
    try:
        return resident_mb(pid)
    except (OSError, LookupError):
        return 0.0
