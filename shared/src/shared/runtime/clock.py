"""The time, as the services see it: a clock is passed in, or the time comes from the task's own source."""

# Invariant: nothing but this module asks the machine for the time by which something is decided, and all of
# it comes from one source: that of the context in which the task runs. It is the machine's clocks, but for a
# simulation (tests/simulation), which gives each of its processes a source of virtual time:
#
#   TIME_SOURCE of process A: 12:00:00   of B, whose clock is ahead: 12:00:02   monotonic of both: 43200 s

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.contracts.base import utc

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""

StoreTime = Callable[[], Awaitable[datetime]]
"""Returns the present moment as the document store tells it (`store_clock`), aware and in UTC: every replica
is told the same, whatever its own clock says."""

MonotonicSeconds = Callable[[], float]
"""Returns seconds that only grow, from some moment of the past on, for all processes of a machine alike."""

_SUSPENSION_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's CLOCK_MONOTONIC, which `time.monotonic` and the event loop read, stands still while the machine
sleeps, and its CLOCK_BOOTTIME goes on. Where there is no such clock, as on macOS, CLOCK_MONOTONIC goes on."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimeSource(NamedTuple):
    """Where the time comes from."""

    unix_nanoseconds: Callable[[], int]
    monotonic_seconds: MonotonicSeconds


MACHINE = TimeSource(time.time_ns, lambda: time.clock_gettime(_SUSPENSION_COUNTS))
TIME_SOURCE = ContextVar("TIME_SOURCE", default=MACHINE)


def monotonic_seconds() -> float:
    """Returns the seconds of a monotonic clock that goes on while the machine is suspended.

    For whatever others judge meanwhile, as whether a lease has run out.
    """
    return TIME_SOURCE.get().monotonic_seconds()


def unix_nanoseconds() -> int:
    """Returns the nanoseconds since the epoch."""
    return TIME_SOURCE.get().unix_nanoseconds()


def utc_now() -> datetime:
    """Returns the present moment, cut to the milliseconds that the document store keeps."""
    return utc(_EPOCH + timedelta(microseconds=unix_nanoseconds() // 1000))
