"""Entry point: `python -m standalone demo | up | resolve`; each command's module adds itself."""

import argparse
import sys

from standalone import signals, up_command
from standalone.class_archive import record_class_archive
from standalone.demo import command as demo_command
from standalone.startup_order import print_line


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m standalone", description="Trueup on this machine, without Docker."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    demo_command.add_to(commands)
    up_command.add_to(commands)
    resolve = commands.add_parser("resolve", help="fetch Apache Kafka, if that has not been done")
    resolve.set_defaults(run=lambda _: signals.run(_resolve()))
    given = parser.parse_args()
    code: int = given.run(given)
    return code


async def _resolve() -> int:
    await record_class_archive(print_line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
