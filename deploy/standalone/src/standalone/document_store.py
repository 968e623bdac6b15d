"""Runs SecantusDB: `python -m standalone.document_store HOST PORT DIRECTORY SECONDS`.

A client that is killed in a transaction leaves its documents locked. MongoDB ends what was left
(`transactionLifetimeLimitSeconds`); SecantusDB 0.7 looks for it only when somebody begins another
transaction, which may be never: whoever waits for the lock is the only one who would. So we look for it.
"""

import signal
import sys
import time
from types import FrameType

from secantus.server import SecantusDBServer

_GLANCE = 1.0
_CACHE = "256M"


def main(host: str, port: str, directory: str, seconds: str) -> None:
    """`seconds`: how long a transaction may be idle."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    server = SecantusDBServer(
        host,
        int(port),
        directory,
        enable_test_commands=False,
        cache_size=_CACHE,
        sync_on_commit=True,  # without it acknowledged transactions were lost on SIGKILL
        transaction_lifetime_seconds=float(seconds),
    )
    server.start()
    try:
        while True:
            time.sleep(_GLANCE)
            server.transactions.prune_expired()
    finally:
        server.stop()


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
