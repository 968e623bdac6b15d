"""`python -m standalone resolve | up | …`: one module a command, each adds itself."""

import argparse
import sys

from shared.errors import PermanentError
from standalone import up
from standalone.resolve import resolve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m standalone", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    up.add_to(commands)
    fetch = commands.add_parser("resolve", help="fetch Apache Kafka, if that has not been done")
    fetch.set_defaults(run=lambda _: _resolve())
    given = parser.parse_args()
    code: int = given.run(given)
    return code


def _resolve() -> int:
    try:
        resolve()
    except PermanentError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
