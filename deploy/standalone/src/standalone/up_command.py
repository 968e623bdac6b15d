"""`python -m standalone up`: runs everything until Ctrl-C, on the data of the last start."""

import argparse
from pathlib import Path

from standalone import signals
from standalone.system import EVERYTHING, System


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    command = commands.add_parser("up", help="start everything and leave it running until Ctrl-C")
    command.add_argument("--data", type=Path, default=Path(".trueup"), help="for data, logs and secrets")
    command.add_argument("--seed", type=int, help="which accounts and services the sandbox makes up")
    command.add_argument("--only", nargs="+", choices=EVERYTHING, default=EVERYTHING, metavar="PROCESS")
    command.set_defaults(run=lambda given: signals.run(_up(given.data, given.seed, tuple(given.only))))


async def _up(data: Path, seed: int | None, only: tuple[str, ...]) -> int:
    async with System(data_dir=data, seed=seed, only=only) as system:
        system.report(_addresses(system))
        await system.watch()
    return 0


def _addresses(system: System) -> str:
    """Describe where to find what was started, for the person at the terminal."""
    credentials = system.credentials
    lines = {
        "console": f"\nThe console is at {system.urls['console']}\n"
        f"  sign in as {credentials.admin_email} with the password {credentials.admin_password}\n",
        "sandbox": f"The simulated providers are at {system.urls['sandbox']}, seed {system.seed};"
        " what to connect them with is at /_sandbox/credentials there\n",
    }
    started = "".join(line for name, line in lines.items() if name in system.processes)
    return f"{started}Data and logs are in {system.data_dir}. Ctrl-C stops everything; the data stays."
