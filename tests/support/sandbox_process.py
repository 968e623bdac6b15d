"""The sandbox as a process of its own, on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from standalone.port_claims import free_port

READY_WITHIN = 60.0
COMMAND = [sys.executable, "-m", "sandbox"]


@dataclass(frozen=True, slots=True)
class Running:
    """Where it listens, and where what it prints is kept."""

    port: int
    printed: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Running]:
    """Serve with the given SANDBOX__ settings until the block ends."""
    place = Running(free_port(), folder / "printed.txt")
    env = os.environ | {"SANDBOX__PORT": str(place.port)} | settings
    with place.printed.open("wb") as printed:
        process = subprocess.Popen(COMMAND, env=env, stdout=printed, stderr=printed)  # noqa: S603 - our own
    try:
        _wait_for(place, process)
        yield place
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(place: Running, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", place.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the sandbox does not listen: {place.printed.read_text()}")
