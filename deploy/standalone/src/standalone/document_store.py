"""Runs SecantusDB: `python -m standalone.document_store HOST PORT DIRECTORY SECONDS`."""

# A client that is killed in a transaction leaves its documents locked.  MongoDB ends such a transaction by
# itself (`transactionLifetimeLimitSeconds`); SecantusDB 0.7 looks for expired ones only when a client begins
# another, which may be never: whoever waits for the lock is the only one who would.  So this process looks
# for them once a second.

import signal
import sys
import time
from types import FrameType

from secantus.server import SecantusDBServer

_POLL_SECONDS = 1.0
_CACHE_SIZE = "256M"


def main(host: str, port: str, directory: str, seconds: str) -> None:
    """Serve until SIGINT or SIGTERM; a transaction that is idle for `seconds` is ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    server = SecantusDBServer(
        host,
        int(port),
        directory,
        enable_test_commands=False,
        cache_size=_CACHE_SIZE,
        sync_on_commit=True,  # without it acknowledged transactions were lost on SIGKILL
        transaction_lifetime_seconds=float(seconds),
    )
    server.start()
    try:
        while True:
            time.sleep(_POLL_SECONDS)
            server.transactions.prune_expired()
    finally:
        server.stop()


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
