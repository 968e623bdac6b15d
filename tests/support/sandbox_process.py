"""Runs the sandbox as a process of its own, on a free port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from standalone.port_claims import claim_free_port

READY_WITHIN_SECONDS = 60.0
COMMAND = [sys.executable, "-m", "sandbox"]


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """The port on which a sandbox listens, and the file that holds what it prints."""

    port: int
    output: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def run_sandbox(folder: Path, **settings: str) -> Iterator[SandboxProcess]:
    """Serve with the given SANDBOX__ settings until the block ends; raises `RuntimeError` if that fails."""
    sandbox = SandboxProcess(claim_free_port(), folder / "printed.txt")
    env = os.environ | {"SANDBOX__PORT": str(sandbox.port)} | settings
    with sandbox.output.open("wb") as printed:
        process = subprocess.Popen(COMMAND, env=env, stdout=printed, stderr=printed)  # noqa: S603 - our own
    try:
        _wait_until_listening(sandbox, process)
        yield sandbox
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_until_listening(sandbox: SandboxProcess, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", sandbox.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"the sandbox does not listen: {sandbox.output.read_text()}")
