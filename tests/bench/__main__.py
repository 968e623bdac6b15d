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
from standalone.startup_order import tell
from standalone.system import EVERYTHING, SERVERS, Overrides, System
from tests.bench import approving, calls, dashboards, full_run, memory, reconciling, subscriptions
from tests.bench.connected import Connected, first_sync
from tests.bench.ground import Ground
from tests.bench.harness import Row
from tests.bench.report import save, table

_PLACE = Path(".trueup/bench").absolute()
_LOGS = _PLACE / "logs"
_SEED = 7

ON_SERVERS = {"subscriptions": subscriptions, "reconciling": reconciling, "approving": approving}
ON_SYSTEM = {"memory": memory, "calls": calls, "dashboards": dashboards, "full-run": full_run}
"""In this order: the later ones stop what they do not need."""

Rows = Mapping[str, ModuleType]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all unless named")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK", "") not in ("", "0"))
    given = parser.parse_args()
    if unknown := {*given.rows} - {*ON_SERVERS, *ON_SYSTEM}:
        parser.error(f"no rows {sorted(unknown)}: there are {[*ON_SERVERS, *ON_SYSTEM]}")
    _LOGS.mkdir(parents=True, exist_ok=True)
    return signals.run(_bench(frozenset(given.rows), quick=given.quick))


async def _bench(wanted: frozenset[str], *, quick: bool) -> int:
    began = time.monotonic()
    rows: list[Row] = []
    if chosen := _chosen(ON_SERVERS, wanted):
        async with _started((*SERVERS, TOPICS)) as system:
            rows += await _measured(chosen, Ground(system, _LOGS, quick))
    if chosen := _chosen(ON_SYSTEM, wanted):
        async with _started(EVERYTHING, _without_budget(500 if quick else 5_000)) as system:
            tell("the first sync …")
            rows += await _measured(chosen, Connected(system, _LOGS, quick, await first_sync(system)))
    path = save(rows, _PLACE, quick=quick)
    for line in ("", *table(rows), "", f"saved as {path} after {time.monotonic() - began:.0f} s"):
        tell(line)
    return 0


async def _measured(chosen: Rows, ground: Ground) -> list[Row]:
    rows: list[Row] = []
    for name, row in chosen.items():
        tell(f"measuring {name} …")
        rows += await row.measure(ground)
    return rows


@asynccontextmanager
async def _started(only: tuple[str, ...], overrides: Overrides | None = None) -> AsyncIterator[System]:
    """On fresh data, so that no run inherits the size of the one before."""
    with tempfile.TemporaryDirectory(dir=_PLACE, prefix="data-") as data:
        system = System(
            data_dir=Path(data), seed=_SEED, only=only, overrides=overrides or {}, say=lambda _: None
        )
        async with system:
            yield system


def _without_budget(subscriptions: int) -> Overrides:
    """So many calls a minute that nobody ever waits for them; the bucket in Redis is still asked."""
    return {
        "sandbox": {"SANDBOX__SUBSCRIPTIONS": str(subscriptions)},
        "vendor-sync": {"BUDGET__PER_MINUTE": "60000000", "BUDGET__BURST": "1000000"},
    }


def _chosen(rows: Rows, wanted: frozenset[str]) -> Rows:
    return {name: row for name, row in rows.items() if name in wanted or not wanted}


if __name__ == "__main__":
    sys.exit(main())
