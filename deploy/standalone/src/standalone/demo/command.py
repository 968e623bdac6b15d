"""`python -m standalone demo`: plays the story and exits by the PSA's own verdict."""

import argparse
from pathlib import Path

from standalone import signals
from standalone.demo.run import DATA, run


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("demo", help="tell the whole story on fresh data; 0 only if it holds")
    command.add_argument("--seed", type=int, help="which quantities the sandbox makes up")
    command.add_argument(
        "--writes",
        default="applied",
        help="how the simulated PSA takes writes: applied, or refused or ignored to see the verdict fail",
    )
    command.add_argument("--data", type=Path, default=DATA, help="emptied before it starts")
    command.set_defaults(run=lambda given: signals.run(run(given.seed, given.writes, given.data)))
