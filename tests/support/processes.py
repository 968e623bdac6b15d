"""Starts processes and looks at them and at ports from outside, with a deadline in place of a sleep."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from standalone.child_process import ChildProcess

RUNS_FOREVER = "import time; print('here I am', flush=True); time.sleep(600)"


def a_process(place: Path, *, code: str = RUNS_FOREVER, name: str = "billing") -> ChildProcess:
    """A stand-in that runs a line of Python, ready as soon as it has printed anything."""
    log = place / f"{name}.log"

    async def has_printed() -> bool:
        return log.stat().st_size > 0

    return ChildProcess(name=name, command=[sys.executable, "-c", code], log_path=log, probe=has_printed)


async def eventually(holds: Callable[[], bool], *, within: float = 60) -> bool:
    """Returns True as soon as the condition holds, False when it does not within so many seconds."""
    until = time.monotonic() + within
    while not holds():
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.02)
    return True


def python(*arguments: str, **settings: str) -> subprocess.Popen[str]:
    """Starts Python with these arguments, and these settings on top of our environment."""
    return subprocess.Popen(  # noqa: S603  a test's own command
        [sys.executable, *arguments],
        env=dict(os.environ) | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_to_end(process: subprocess.Popen[str], *, within: float = 300) -> tuple[int, str, str]:
    """Waits for the end of a process; returns its exit code, its output and its error output."""
    output, error_output = process.communicate(timeout=within)
    return process.returncode, output, error_output


def alive(pid: int) -> bool:
    """Tells whether the process runs; one that has ended and was not waited for (a zombie) does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def family(pid: int) -> set[int]:
    """The process, its children and theirs."""
    children = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {pid}
    for _ in range(4):
        found |= {child for child in children if _parent(child) in found}
    return found


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text("utf-8").replace("\0", " ")


def listening(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return -1
