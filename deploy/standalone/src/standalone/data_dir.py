"""Manages the directory that holds one system's data: its lock, ports, seed and logs.

What is in it is its owner's alone: `private_files` says how.
"""

# One launcher at a time: the directory's lock is an flock on a descriptor that every child process inherits.
# The kernel releases it when the last of them has ended, so the lock says more than "the launcher lives":
# while it is held, something may still write there.
#
#   launcher A running              → B is refused, with A's process id
#   A killed, its Kafka still ends  → B waits, up to ten seconds
#   everything of A has ended       → B has the lock at once

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.errors import PermanentError
from standalone.port_claims import claim_free_port, claim_port
from standalone.private_files import append_private, make_private_directory, read_private, write_private

_ORPHANS_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.05


@contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Hold the directory's lock; yields a file descriptor that child processes inherit to hold it too.

    Waits for processes of a launcher that was killed. Raises `PermanentError` when another launcher holds it,
    or when it cannot be its owner's alone.
    """
    make_private_directory(directory)
    with os.fdopen(append_private(directory / "lock"), "a") as lock:
        _acquire(lock.fileno(), directory)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()


def allocate_ports(directory: Path, names: Iterable[str]) -> dict[str, int]:
    """Return a port for each name, the one of the last start where it is still free."""
    recorded: dict[str, int] = _read_json(directory / "ports.json")
    chosen: dict[str, int] = {}
    for name in names:
        last = recorded.get(name)
        if last is not None and last not in chosen.values() and claim_port(last):
            chosen[name] = last
        else:
            chosen[name] = claim_free_port({*recorded.values(), *chosen.values()})
    write_private(directory / "ports.json", json.dumps(recorded | chosen, indent=1))
    return chosen


def choose_seed(directory: Path, requested: int | None) -> int:
    """Return the sandbox's seed: the requested one, else that of the last start, else a new one."""
    last: dict[str, int] = _read_json(directory / "seed.json")
    chosen = requested if requested is not None else last.get("seed", secrets.randbelow(10_000))
    write_private(directory / "seed.json", json.dumps({"seed": chosen}))
    return chosen


def rotate_logs(directory: Path) -> Path:
    """Return an empty directory for logs; the logs of the last run move to `logs.before`, older ones go."""
    logs, before = directory / "logs", directory / "logs.before"
    shutil.rmtree(before, ignore_errors=True)
    with suppress(FileNotFoundError):
        logs.rename(before)
    return make_private_directory(logs)


def _read_json(path: Path) -> dict[str, int]:
    with suppress(FileNotFoundError):
        document: dict[str, int] = json.loads(read_private(path))
        return document
    return {}


def _acquire(lock: int, directory: Path) -> None:
    deadline = time.monotonic() + _ORPHANS_TIMEOUT_SECONDS
    while not _try_lock(lock):
        owner = (directory / "lock").read_text("utf-8")
        # A living owner is a launcher at work: waiting for it would be in vain.
        if _is_alive(owner) or time.monotonic() > deadline:
            raise PermanentError(
                f"{directory} is in use by another launcher (process {owner or 'unknown'}): "
                "stop that one, or choose another directory with --data"
            )
        time.sleep(_POLL_SECONDS)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(pid: str) -> bool:
    if not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's process, and alive
        return True
    return True
