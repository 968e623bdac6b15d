"""`make simulate SEEDS=n STEPS=m`: simulates seed after seed until one fails, or all have passed."""

import argparse
import os
import sys
import time

from tests.simulation.report import Outcome, simulate, smallest, table, told
from tests.simulation.schedule import schedule


def main() -> int:
    arguments = _arguments()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of texts are in another order in every process else, and no seed would repeat a run.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | {"PYTHONHASHSEED": "0"})
    outcomes, failed, until = list[Outcome](), list[Outcome](), time.monotonic() + arguments.seconds
    for number in range(arguments.first, arguments.first + arguments.seeds):
        if outcomes and time.monotonic() > until:
            break
        seed = str(number)
        outcome = simulate(seed, schedule(seed, arguments.steps))
        outcomes.append(outcome)
        if outcome.failure is not None:
            failed.append(outcome)
            print(told(smallest(outcome, within_seconds=arguments.shrink)), flush=True)
            if not arguments.go_on:
                break
    print(table(outcomes), flush=True)
    print(f"  failed: {', '.join(one.seed for one in failed) or 'none'}", flush=True)
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--steps", type=int, default=150, help="of each seed")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further seed after so long")
    parser.add_argument("--shrink", type=float, default=60, help="seconds for making a failure smaller")
    parser.add_argument("--go-on", action="store_true", help="after a failure")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
