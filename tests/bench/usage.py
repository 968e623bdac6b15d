"""What a process uses: processor seconds and memory, of ourselves or of a service, from the kernel."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.harness import Sample

_TICKS = os.sysconf("SC_CLK_TCK")


class Stopwatch:
    """Times a block in this process, and takes what it used as a sample."""

    def __enter__(self) -> Self:
        self._cpu, self._began = time.process_time(), time.perf_counter()
        self._seconds = self._used = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seconds = time.perf_counter() - self._began
        self._used = time.process_time() - self._cpu

    def sample(self, count: int) -> Sample:
        """To be taken after the block, when `count` is known."""
        return Sample(self._seconds, count, self._used, peak_mb(os.getpid()))


def cpu_seconds(pid: int) -> float:
    """Of all its threads, in user and kernel mode, since it started (proc(5), stat fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """What it holds in memory now."""
    return _status(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """The most it ever held; `ru_maxrss` would count what its parent held when it was forked."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"the kernel does not tell {name} of process {pid}")
