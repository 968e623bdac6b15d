"""Claims on TCP ports of this machine: two processes that look for free ports at once never get the same.

A port is only bound when its server starts, which is seconds after it was chosen. Until then a lock says
whose it is: one byte of one file for each port, held until the claiming process ends, however it ends. For
example: launcher A locks byte 20,417 and starts Kafka; launcher B finds the port unbound, cannot lock the
byte, and looks on. Locks of one process do not exclude each other, so each also remembers its own claims.
"""

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

# Below the range from which Linux takes ports for outgoing calls (ip_local_port_range): none can be
# taken by a call between our look and the server's start.
_PORTS = range(20_000, 32_000)

_claimed: set[int] = set()


def free_port(besides: Collection[int] = ()) -> int:
    """A port that nobody uses and this process has not claimed before; claimed from now on.

    Raises `PermanentError` when there is none outside `besides`.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        if port not in besides and port not in _claimed and claim(port):
            return port
    raise PermanentError(f"no port from {_PORTS.start} to {_PORTS.stop} is free on {HOST}")


def claim(port: int) -> bool:
    """Whether the port is free and this process's own from now on; it may claim a port again."""
    if not _lock(port) or not _is_free(port):
        return False
    _claimed.add(port)
    return True


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        # As servers do: what a connection just closed leaves behind is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _lock(port: int) -> bool:
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _locks() -> int:
    """The one open descriptor of the file of locks: closing any would give up all of the process's locks."""
    path = Path(tempfile.gettempdir()) / f"trueup-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
