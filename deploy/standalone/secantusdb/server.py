#!/usr/bin/env python3
"""Serves documents with SecantusDB, for one user: `server.py HOST PORT DIRECTORY SECONDS [--for-tests]`.

`SECANTUSDB_USER` and `SECANTUSDB_PASSWORD` say who that is. Only the files of this folder import SecantusDB,
and nothing else imports them: the launcher and the tests start this one as a program (decision 0023).
"""

# Ten things that the package's own command cannot do:
#
# Nobody is let in without the password, from the first moment on.  SecantusDB 0.7 has no exception for the
# first user and would have to be started open to make one.  So the user is written to its storage before it
# listens, at each start: the password is always the one in the environment.
#
# A client that is killed in a transaction leaves its documents locked.  MongoDB ends such a transaction by
# itself (`transactionLifetimeLimitSeconds`); SecantusDB 0.7 looks for expired ones only when a client begins
# another, which may be never: whoever waits for the lock is the only one who would.  So this process looks
# for them once a second.
#
# Every write that a driver may repeat leaves its answer behind for half an hour, and each such write looks
# through all of them, twice, and sorts them once there are 10,000: a write takes twelve times as long from
# then on.  So they are looked through once a second.
#
# Of each document that is inserted, the options of all indexes of its collection are read from the storage
# three times: with five indexes that is half of the insert.  So a batch reads them once, as it does the
# indexes themselves.
#
# Each document that `$in` finds by its index is compared with all values once more, one after the other: with
# 500 texts that is four fifths of the time.  So a text is looked up among them.
#
# Every document that is written is written to the log of changes too, for change streams, which nobody here
# asks for.  From its 100,000th entry on, a thread is busy with removing the oldest, and a read takes forty
# times as long meanwhile.  So no log is kept.
#
# Where a filter names an id and something else, the indexes are gone through several times before the id
# is tried.  So the id is tried first: what it finds is compared with the whole filter in any case.
#
# What is not above a bound (`$lte`) is looked up without the bound itself in an index that has fields behind
# the one that is bounded: such an entry begins with the bound, and goes on. So what goes on is looked at too.
#
# A page and a count read every document that an index has for a filter.  See `index_pages.py`.
#
# The keys of indexes are put together in Python, and taken apart.  See `key_bytes.py`.

import argparse
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any

import index_pages
import key_bytes
from secantus import query
from secantus.auth import SCRAM_SHA_256, derive_credentials
from secantus.server import SecantusDBServer

_LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 1.0
_CACHE_SIZE = "256M"
_ROLES = ("readWriteAnyDatabase", "dbAdminAnyDatabase")


def main(host: str, port: int, directory: str, seconds: float, *, for_tests: bool) -> None:
    """Serve until SIGINT or SIGTERM; a transaction that is idle for `seconds` is ended.

    `for_tests`: nobody is asked for a password, and what was stored is lost with the machine.
    """
    if for_tests and host != _LOOPBACK:
        raise SystemExit(f"--for-tests asks for no password: it serves {_LOOPBACK} alone, not {host}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    server = SecantusDBServer(
        host,
        port,
        directory,
        require_auth=not for_tests,
        enable_test_commands=False,
        cache_size=_CACHE_SIZE,
        sync_on_commit=not for_tests,  # without it acknowledged transactions were lost on SIGKILL
        transaction_lifetime_seconds=seconds,
    )
    server.storage.enable_oplog = False
    _read_index_options_once(server.storage)
    _look_up_texts()
    _try_ids_first(server.storage)
    _look_at_upper_bounds(server.storage)
    index_pages.install(server.storage)
    key_bytes.install()
    if not for_tests:
        _store_user(server, os.environ["SECANTUSDB_USER"], os.environ["SECANTUSDB_PASSWORD"])
    registry = server.transactions
    forget_answers, registry._prune_retryable_locked = registry._prune_retryable_locked, _do_nothing
    server.start()
    try:
        while True:
            time.sleep(_POLL_SECONDS)
            registry.prune_expired()
            with registry._lock:
                forget_answers()
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


def _read_index_options_once(storage: Any) -> None:
    """Have each batch of inserts read the options of its collection's indexes once.

    An index whose options change during a batch has them from the next batch on.
    """
    read, insert, batch = storage._index_options_map, storage._insert_chunk, threading.local()

    def options_of(database: str, collection: str) -> Any:
        known: dict[tuple[str, str], dict[str, Any]] = getattr(batch, "options", {})
        return known.get((database, collection)) or read(database, collection)

    def insert_batch(database: str, collection: str, *args: Any, **kwargs: Any) -> Any:
        batch.options = {(database, collection): read(database, collection)}
        try:
            return insert(database, collection, *args, **kwargs)
        finally:
            batch.options = {}

    storage._index_options_map, storage._insert_chunk = options_of, insert_batch


def _look_up_texts() -> None:
    """Have `$in` look a text up among those of its list; what is not among them goes the usual way."""
    match, last = query._op_matches, threading.local()

    def op_matches(values: list[Any], op: str, arg: Any, *args: Any, **kwargs: Any) -> Any:
        by_bytes = op == "$in" and args == (None,)  # and by no collation
        if by_bytes and isinstance(arg, list) and len(values) == 1 and type(values[0]) is str:
            if getattr(last, "arg", None) is not arg:  # one list for all documents that a command looks at
                last.arg, last.texts = arg, {text for text in arg if type(text) is str}
            if values[0] in last.texts:
                return True
        return match(values, op, arg, *args, **kwargs)

    query._op_matches = op_matches


def _try_ids_first(storage: Any) -> None:
    """Have a filter that names ids among other things find its candidates by these."""
    find = storage._try_index_id_keys

    def candidates(database: str, collection: str, filter_: dict[str, Any], **kwargs: Any) -> Any:
        if len(filter_) > 1 and "_id" in filter_:
            found = find(database, collection, {"_id": filter_["_id"]}, **kwargs)
            if found is not None:
                return found
        return find(database, collection, filter_, **kwargs)

    storage._try_index_id_keys = candidates


def _look_at_upper_bounds(storage: Any) -> None:
    """Have a range that holds its upper bound be read to the last entry that begins with it.

    What else begins so is not in the range: the store compares what it finds with the filter.
    """
    scan = storage._range_scan_index

    def range_scan(*args: Any, **more: Any) -> Any:
        *others, upper, holds_upper = args  # behind the index and the lower bound
        end = upper + b"\xff" if upper is not None and holds_upper else upper
        return scan(*others, end, holds_upper, **more)

    storage._range_scan_index = range_scan


def _do_nothing() -> None:
    """What a write does about the answers of others."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("directory")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--for-tests", action="store_true")
    main(**vars(parser.parse_args()))
