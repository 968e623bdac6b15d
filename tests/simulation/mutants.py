"""`make mutants`: breaks rules of the product on purpose, one at a time, and shows that a simulation notices.

Each mutant is a small change of one source file, applied to a copy of the source tree in a temporary folder.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.simulation.broken_rules import MUTANTS, Mutant

_ROOT = Path(__file__).parents[2]
_SOURCES = ("shared", "services/billing", "services/vendor-sync", "services/psa-sync")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="in which a mutant must be caught")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--only", default="", help="mutants whose rule contains this text")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="mutants at a time")
    arguments = parser.parse_args()
    chosen = [one for one in MUTANTS if arguments.only in one.rule]
    with ThreadPoolExecutor(arguments.workers) as pool:  # each waits for a process of its own
        caught = pool.map(lambda one: _is_caught(one, arguments.seeds, arguments.steps), chosen)
        survived = [one for one, is_caught in zip(chosen, caught, strict=True) if not is_caught]
    print(f"{len(chosen) - len(survived)} of {len(chosen)} mutants are caught")
    for mutant in survived:
        print(f"  survived: ({mutant.invariant}) {mutant.rule}")
    return 1 if survived else 0


def _is_caught(mutant: Mutant, seeds: int, steps: int) -> bool:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trueup-mutant-") as place:
        folder = Path(place)
        for source in (*_SOURCES, "tests/simulation"):
            shutil.copytree(_ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        file = folder / mutant.path
        text = file.read_text("utf-8")
        if text.count(mutant.old) != 1:
            raise SystemExit(f"{mutant.path} has changed: no single {mutant.old!r} to break any more")
        file.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        paths = [str(folder), *(str(folder / source / "src") for source in _SOURCES)]
        command = [sys.executable, "-m", "tests.simulation", "--first", str(mutant.first_seed)]
        done = subprocess.run(  # noqa: S603  ours
            [*command, "--seeds", str(seeds), "--steps", str(steps), "--shrink", "0"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            check=False,
        )
    verdict = _verdict(done.stdout)
    seconds = time.monotonic() - started
    told = verdict or "SURVIVED " + done.stderr[-200:]
    print(f"({mutant.invariant}) {mutant.rule}: {told} [{seconds:.0f} s]", flush=True)
    return verdict is not None


def _verdict(output: str) -> str | None:
    """Which invariant noticed, in which seed; None when none did."""
    told = [
        line for line in output.splitlines() if re.match(r"\w*(Violation|Error|Exception|Livelock): ", line)
    ]
    if not told:
        return None
    seed = re.search(r"^seed (\d+) fails", output, re.MULTILINE)
    by = re.search(r"Violation: (\(\w\))", told[-1])
    where = f"seed {seed[1]}" if seed else "some seed"
    return f"noticed by {by[1] if by else 'a logged bug'} in {where}: {told[-1][:110]}"


if __name__ == "__main__":
    sys.exit(main())
