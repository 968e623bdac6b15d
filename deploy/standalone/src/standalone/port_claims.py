"""Claims TCP ports of this machine, so that two processes that look for free ports never choose the same."""

# Invariant: of all processes of one user on this machine, at most one holds the claim on a port, and a claim
# ends with its process, however that ends.
#
# A port is only bound when its server starts, seconds after it was chosen. Until then a lock says whose it
# is: one byte of one file for each port.
#
#   launcher A locks byte 20,417 and starts Kafka
#   launcher B finds the port unbound, cannot lock the byte, and tries another
#
# Locks of one process do not exclude each other, so each also remembers its own claims.

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Collection
from contextlib import closing
from functools import cache
from pathlib import Path

from shared.errors import PermanentError
from standalone.probes import HOST

# Below the range from which Linux takes ports for outgoing calls (ip_local_port_range): no call can take a
# port between the moment at which it is found free and the server's start.
_PORTS = range(20_000, 32_000)

_claimed: set[int] = set()


def claim_free_port(excluded: Collection[int] = ()) -> int:
    """Claim a port that nobody uses and that this process has not claimed before.

    Raises `PermanentError` when there is none outside `excluded`.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        if port not in excluded and port not in _claimed and claim_port(port):
            return port
    raise PermanentError(f"no port from {_PORTS.start} to {_PORTS.stop} is free on {HOST}")


def claim_port(port: int) -> bool:
    """Return whether the port is free and, from now on, this process's own; it may claim a port again."""
    if not _lock(port) or not _is_free(port):
        return False
    _claimed.add(port)
    return True


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As servers do: what a connection just closed leaves behind (TIME_WAIT) does not prevent binding.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _lock(port: int) -> bool:
    locks = _open_locks()  # outside the `try`: a file that cannot be opened is no port that is taken
    try:
        fcntl.lockf(locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _open_locks() -> int:
    """Open the file of locks once: closing any descriptor of it would give up all of the process's locks.

    Raises `PermanentError` when it cannot be opened, as where somebody has put a symbolic link in its place.
    """
    path = Path(tempfile.gettempdir()) / f"trueup-ports-{os.getuid()}"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PermanentError(f"cannot open {path}, which says whose a port is: {error.strerror}") from error
