"""Makes directories and files that only their owner can read, and trusts none that are somebody else's."""

# Invariant: what this module returns or has written belongs to the user who runs the launcher, and no other
# user can read or change it, whatever the umask and whatever was there before.
#
#   directory, ours, 0755         → 0700            file, ours, 0644   → 0600
#   directory, somebody else's    → refused: its owner could read what is put there
#   file, somebody else's         → refused: the owner may have chosen the passwords in it
#   /tmp, or another such shared one (sticky), → refused: closed, others could not use it any more

import os
import stat
from pathlib import Path

from shared.errors import PermanentError

PRIVATE_UMASK = 0o077
"""For child processes: what they make is their user's alone."""


def make_private_directory(path: Path) -> Path:
    """Make the directory, or close an existing one to everybody but its owner; return its path.

    Raises `PermanentError` when it belongs to somebody else, or is meant to be shared.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A symbolic link is as good as its owner, who can point it elsewhere at any time.
    for status in (path.lstat(), path.stat()):
        _refuse_others(path, status)
    if path.stat().st_mode & stat.S_ISVTX:
        raise PermanentError(
            f"{path} is shared with other users, and its data must not be: choose a directory of its own"
        )
    path.chmod(0o700)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; a reader sees the old text or the new, never a part."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_private(path: Path) -> str:
    """Return the text of a file of our own, after closing it to everybody else.

    Raises `FileNotFoundError`, and `PermanentError` when the file is somebody else's.
    """
    with path.open(encoding="utf-8") as file:
        _refuse_others(path, os.fstat(file.fileno()))
        os.fchmod(file.fileno(), 0o600)
        return file.read()


def append_private(path: Path) -> int:
    """Open a file that only its owner can read, to write at its end; return the file descriptor."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.fchmod(descriptor, 0o600)
    return descriptor


def _refuse_others(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise PermanentError(
            f"{path} belongs to another user (id {status.st_uid}), who could read what is in it or has made"
            f" what is in it: choose another directory, or have it given to the user with id {os.geteuid()}"
        )
