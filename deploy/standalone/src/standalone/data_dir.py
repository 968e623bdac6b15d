"""The directory that holds one system's data: one launcher at a time, and the same ports and seed again."""

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
from standalone.port_claims import claim, free_port

_ORPHANS_END = 10.0
_GLANCE = 0.05


@contextmanager
def locked(directory: Path) -> Iterator[int]:
    """Hold the directory: yields a file descriptor to hand on to the parts, so that they hold it too.

    Raises `PermanentError` when another launcher has it. Parts of a launcher that was killed are waited for.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        _take(lock.fileno(), directory)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock.fileno()


def ports(directory: Path, names: Iterable[str]) -> dict[str, int]:
    """A port for each name, the same as the last time where that is still free."""
    kept: dict[str, int] = _read(directory / "ports.json")
    chosen: dict[str, int] = {}
    for name in names:
        last = kept.get(name)
        again = last is not None and last not in chosen.values() and claim(last)
        chosen[name] = last if last is not None and again else free_port({*kept.values(), *chosen.values()})
    write_private(directory / "ports.json", json.dumps(kept | chosen, indent=1))
    return chosen


def seed(directory: Path, wanted: int | None) -> int:
    """The sandbox's seed: the one wanted, else the one of the last time, else a new one."""
    last: dict[str, int] = _read(directory / "seed.json")
    chosen = wanted if wanted is not None else last.get("seed", secrets.randbelow(10_000))
    write_private(directory / "seed.json", json.dumps({"seed": chosen}))
    return chosen


def fresh_logs(directory: Path) -> Path:
    """An empty place for logs; those of the run before are kept beside it, older ones are not."""
    logs, before = directory / "logs", directory / "logs.before"
    shutil.rmtree(before, ignore_errors=True)
    with suppress(FileNotFoundError):
        logs.rename(before)
    logs.mkdir()
    return logs


def write_private(path: Path, text: str) -> None:
    """For the owner's eyes only, and whole or not at all."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _read(path: Path) -> dict[str, int]:
    with suppress(FileNotFoundError):
        found: dict[str, int] = json.loads(path.read_text("utf-8"))
        return found
    return {}


def _take(lock: int, directory: Path) -> None:
    until = time.monotonic() + _ORPHANS_END
    while not _try_lock(lock):
        owner = (directory / "lock").read_text("utf-8")
        if _alive(owner) or time.monotonic() > until:
            raise PermanentError(
                f"{directory} is in use by another launcher (process {owner or 'unknown'}): "
                "stop that one, or choose another directory with --data"
            )
        time.sleep(_GLANCE)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(owner: str) -> bool:
    if not owner.isdigit():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
