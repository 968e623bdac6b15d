"""Reads from the kernel what a process uses: processor seconds and memory, its own or a service's."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.bench.harness import Sample

_TICKS = os.sysconf("SC_CLK_TCK")


class Stopwatch:
    """Measures the time and the processor time of a block in this process."""

    def __enter__(self) -> Self:
        self._cpu_before, self._started = time.process_time(), time.perf_counter()
        self._seconds = self._cpu_seconds = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seconds = time.perf_counter() - self._started
        self._cpu_seconds = time.process_time() - self._cpu_before

    def sample(self, count: int) -> Sample:
        """Return the sample; to be called after the block, when `count` is known."""
        return Sample(self._seconds, count, self._cpu_seconds, peak_mb(os.getpid()))


def cpu_seconds(pid: int) -> float:
    """Return user and kernel time of all threads since the start (proc(5), stat fields 14 and 15)."""
    # The name in field 2 may hold spaces and brackets: fields are counted from its closing bracket.
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Return what the process holds in memory now."""
    return _status_mb(pid, "VmRSS")


def peak_mb(pid: int) -> float:
    """Return the most that it ever held; `ru_maxrss` would count what its parent held at the fork."""
    return _status_mb(pid, "VmHWM")


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"the kernel does not tell {name} of process {pid}")
