"""`python -m standalone demo | up | resolve`: one module a command, each adds itself."""

import argparse
import sys

from standalone import signals, up
from standalone.class_archive import record
from standalone.demo import command as demo
from standalone.startup_order import tell


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m standalone", description="Trueup on this machine, without Docker."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    demo.add_to(commands)
    up.add_to(commands)
    fetch = commands.add_parser("resolve", help="fetch Apache Kafka, if that has not been done")
    fetch.set_defaults(run=lambda _: signals.run(_resolve()))
    given = parser.parse_args()
    code: int = given.run(given)
    return code


async def _resolve() -> int:
    await record(tell)
    return 0


if __name__ == "__main__":
    sys.exit(main())
