"""`make bench`: every row, or those named, on the standalone servers; QUICK=1 does less of each."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

from standalone import signals
from standalone.services import TOPICS
from standalone.startup_order import print_line
from standalone.system import EVERYTHING, SERVERS, Overrides, System
from tests.bench import (
    approvals,
    calls,
    catalogue,
    dashboards,
    full_run,
    manifests,
    memory,
    reconciliation,
    subscriptions,
)
from tests.bench.bench_env import BenchEnv
from tests.bench.connected_system import ConnectedEnv, run_first_sync
from tests.bench.harness import Row
from tests.bench.matching import rows as matching
from tests.bench.report import save, table

_DIRECTORY = Path(".trueup/bench").absolute()
_LOGS = _DIRECTORY / "logs"
_SEED = 7

ON_SERVERS = {
    "subscriptions": subscriptions,
    "manifests": manifests,
    "reconciling": reconciliation,
    "approving": approvals,
    "catalogue": catalogue,
}
ON_SYSTEM = {"memory": memory, "calls": calls, "dashboards": dashboards, "full-run": full_run}
"""In this order: the later ones stop what they do not need."""

WITHOUT_SERVERS = {"matching": matching}

Rows = Mapping[str, ModuleType]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all unless named")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK", "") not in ("", "0"))
    given = parser.parse_args()
    if unknown := {*given.rows} - {*WITHOUT_SERVERS, *ON_SERVERS, *ON_SYSTEM}:
        parser.error(f"no rows {sorted(unknown)}: there are {[*WITHOUT_SERVERS, *ON_SERVERS, *ON_SYSTEM]}")
    _LOGS.mkdir(parents=True, exist_ok=True)
    return signals.run(_bench(frozenset(given.rows), quick=given.quick))


async def _bench(names: frozenset[str], *, quick: bool) -> int:
    started = time.monotonic()
    rows: list[Row] = []
    for name, row in _select(WITHOUT_SERVERS, names).items():
        print_line(f"measuring {name} …")
        rows += await row.measure(quick=quick)
    if selected := _select(ON_SERVERS, names):
        async with _start_system((*SERVERS, TOPICS)) as system:
            rows += await _measure(selected, BenchEnv(system, _LOGS, quick))
    if selected := _select(ON_SYSTEM, names):
        async with _start_system(EVERYTHING, _without_rate_limit(500 if quick else 5_000)) as system:
            print_line("the first sync …")
            rows += await _measure(selected, ConnectedEnv(system, _LOGS, quick, await run_first_sync(system)))
    path = save(rows, _DIRECTORY, quick=quick)
    for line in ("", *table(rows), "", f"saved as {path} after {time.monotonic() - started:.0f} s"):
        print_line(line)
    return 0


async def _measure(selected: Rows, env: BenchEnv) -> list[Row]:
    rows: list[Row] = []
    for name, row in selected.items():
        print_line(f"measuring {name} …")
        rows += await row.measure(env)
    return rows


@asynccontextmanager
async def _start_system(only: tuple[str, ...], overrides: Overrides | None = None) -> AsyncIterator[System]:
    """Run these processes on fresh data, so that no bench inherits the size of the one before."""
    with tempfile.TemporaryDirectory(dir=_DIRECTORY, prefix="data-") as data:
        system = System(
            data_dir=Path(data), seed=_SEED, only=only, overrides=overrides or {}, report=lambda _: None
        )
        async with system:
            yield system


def _without_rate_limit(subscriptions: int) -> Overrides:
    """Return settings with a limit that is never reached; every call still takes its token from Redis."""
    return {
        "sandbox": {"SANDBOX__SUBSCRIPTIONS": str(subscriptions)},
        "vendor-sync": {"BUDGET__PER_MINUTE": "60000000", "BUDGET__BURST": "1000000"},
        "psa-sync": {"BUDGET__PER_MINUTE": "60000000", "BUDGET__BURST": "1000000"},
    }


def _select(rows: Rows, names: frozenset[str]) -> Rows:
    return {name: row for name, row in rows.items() if name in names or not names}


if __name__ == "__main__":
    sys.exit(main())
