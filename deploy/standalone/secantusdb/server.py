#!/usr/bin/env python3
"""Serves documents with SecantusDB: `server.py HOST PORT DIRECTORY SECONDS`, for one user.

`SECANTUSDB_USER` and `SECANTUSDB_PASSWORD` say who that is. This is the only file that imports SecantusDB,
and nothing imports this file: the launcher starts it as a program (decision 0023).
"""

# Two things that the package's own command cannot do:
#
# Nobody is let in without the password, from the first moment on.  SecantusDB 0.7 has no exception for the
# first user and would have to be started open to make one.  So the user is written to its storage before it
# listens, at each start: the password is always the one in the environment.
#
# A client that is killed in a transaction leaves its documents locked.  MongoDB ends such a transaction by
# itself (`transactionLifetimeLimitSeconds`); SecantusDB 0.7 looks for expired ones only when a client begins
# another, which may be never: whoever waits for the lock is the only one who would.  So this process looks
# for them once a second.

import os
import signal
import sys
import time
from types import FrameType

from secantus.auth import SCRAM_SHA_256, derive_credentials
from secantus.server import SecantusDBServer

_POLL_SECONDS = 1.0
_CACHE_SIZE = "256M"
_ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase")


def main(host: str, port: str, directory: str, seconds: str) -> None:
    """Serve until SIGINT or SIGTERM; a transaction that is idle for `seconds` is ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    server = SecantusDBServer(
        host,
        int(port),
        directory,
        require_auth=True,
        enable_test_commands=False,
        cache_size=_CACHE_SIZE,
        sync_on_commit=True,  # without it acknowledged transactions were lost on SIGKILL
        transaction_lifetime_seconds=float(seconds),
    )
    _store_user(server, os.environ["SECANTUSDB_USER"], os.environ["SECANTUSDB_PASSWORD"])
    server.start()
    try:
        while True:
            time.sleep(_POLL_SECONDS)
            server.transactions.prune_expired()
    finally:
        server.stop()


def _store_user(server: SecantusDBServer, name: str, password: str) -> None:
    """Store the user as `createUser` and `updateUser` do."""
    record = {
        "_id": f"admin.{name}",
        "user": name,
        "db": "admin",
        "credentials": derive_credentials(password, mechanism=SCRAM_SHA_256, username=name).to_doc(),
        "roles": [{"role": role, "db": "admin"} for role in _ROLES],
        "mechanisms": [SCRAM_SHA_256],
    }
    server.storage.add_user("admin", name, record, replace=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
