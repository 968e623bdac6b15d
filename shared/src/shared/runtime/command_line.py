"""The entry of every service: without arguments it runs the service, with some a command of an operator."""

# A command is `python -m <service> <family> …`, and reads the same settings as the service. It exits with 0
# when it is done, 1 when it cannot be done or a server is away, and 2 for wrong arguments or settings; then
# one line says why.

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from shared import outbox_commands
from shared.errors import PermanentError, TransientError
from shared.kafka import consumer_commands
from shared.runtime.lifespan import serve
from shared.runtime.settings import ServiceSettings, load


@dataclass(frozen=True, slots=True)
class CommandFamily:
    """Commands about one thing."""

    help: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[str, Any, Namespace], Awaitable[str]]
    """Takes the service's name, its settings and the arguments; returns what to print.

    Raises `PermanentError` when it cannot be done, and `TransientError` when a server is away.
    """


FAMILIES: Mapping[str, CommandFamily] = {
    "consumers": CommandFamily(
        "how far each topic is read; pause, resume, skip",
        consumer_commands.add_arguments,
        consumer_commands.run,
    ),
    "outbox": CommandFamily(
        "messages that Kafka will never take",
        outbox_commands.add_arguments,
        outbox_commands.run,
    ),
}
"""Of every service that consumes."""


def main(
    create_app: Callable[[Any], FastAPI],
    settings_class: type[ServiceSettings],
    service: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Runs the service, or the command that the arguments name (by default those of the process)."""
    parser = ArgumentParser(
        prog=f"python -m {service.replace('-', '_')}",
        description=f"Without a command: runs {service} until it is told to stop.",
    )
    families = parser.add_subparsers(dest="family", metavar="command")
    for name, family in FAMILIES.items():
        family.add_arguments(families.add_parser(name, help=family.help))
    given = parser.parse_args(arguments)
    if given.family is None:
        serve(create_app, settings_class, service)
    else:
        sys.exit(asyncio.run(_run(FAMILIES[given.family], service, load(settings_class), given)))


async def _run(family: CommandFamily, service: str, settings: ServiceSettings, given: Namespace) -> int:
    try:
        print(await family.run(service, settings, given))  # noqa: T201 (a command)
    except (PermanentError, TransientError) as error:
        print(error, file=sys.stderr)  # noqa: T201 (a command)
        return 1
    return 0
