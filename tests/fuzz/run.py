"""`make fuzz`: made-up requests to every API of the standalone system, as four callers each.

Seed and size are printed, and the same seed makes up the same requests. A server error, or an answer that the
API's description does not promise, ends the run with code 1, each with a curl command that repeats it.
"""

import argparse
import secrets
import shutil
import time
from pathlib import Path

from api_fuzz import FuzzPlan, FuzzResult, fuzz

from standalone import signals
from standalone.data_dir import locked
from standalone.startup_order import print_line
from standalone.system import System
from tests.bench.connected_system import run_first_sync

DATA = Path(".trueup/fuzz")

_COUNTED = (200, 201, 202, 401, 403, 404, 405, 409, 413, 422, 429, 503)


async def run(examples: int, seed: int) -> int:
    """Return the exit code: 0 when nothing was found, 1 otherwise."""
    began = time.monotonic()
    print_line(f"fuzz: {examples} examples for each operation, seed {seed} (SEED={seed} repeats it)")
    with locked(DATA):
        shutil.rmtree(DATA / "system", ignore_errors=True)
        async with System(data_dir=DATA / "system", seed=seed % 10_000, report=lambda _: None) as system:
            await run_first_sync(system)
            print_line(f"everything is up, connected and synced after {time.monotonic() - began:.0f} s")
            plan = FuzzPlan(examples, seed, DATA, system.credentials.tenant_id)
            results = await fuzz(system, plan)
    print_report(results)
    cases = sum(result.cases for result in results)
    operations = sum(result.operations for result in results)
    failed = any(result.failed for result in results)
    print_line(
        f"\n{'FAILED' if failed else 'ok'}: {cases:,} cases over {operations} operations and callers"
        f" in {time.monotonic() - began:.0f} s, seed {seed}"
    )
    return int(failed)


def print_report(results: list[FuzzResult]) -> None:
    """Print what failed, each with its reproduction, then the table."""
    for result in results:
        if result.failed:
            print_line(
                f"\n=== {result.service} as {result.caller}: {'; '.join(result.errors) or 'violations'}"
            )
            print_line(result.output)
    print_line(
        f"\n{'service':<12} {'token':<8} {'operations':>10} {'cases':>6} {'5xx':>4} {'violations':>10}"
        f" {'signed in':>9} {'done':>5}   answers"
    )
    for result in results:
        answers = "  ".join(
            f"{status}×{result.statuses[status]}" for status in _COUNTED if result.statuses[status]
        )
        print_line(
            f"{result.service:<12} {result.caller:<8} {result.operations:>10} {result.cases:>6}"
            f" {result.faults:>4} {len(result.violations):>10} {result.signed_in:>9.0%} {result.done:>5.0%}"
            f"   {answers}"
        )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=20, help="for each operation")
    parser.add_argument("--seed", type=int, help="repeats the requests of a run before")
    return parser.parse_args()


if __name__ == "__main__":
    given = _parse()
    chosen = given.seed if given.seed is not None else secrets.randbelow(10_000)
    raise SystemExit(signals.run(run(given.examples, chosen)))
