"""The time, as the services see it: a clock is passed in, so that a test can set it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from shared.contracts.base import utc

Clock = Callable[[], datetime]
"""Returns the present moment, aware and in UTC."""


MonotonicSeconds = Callable[[], float]
"""Returns seconds that only grow, from some moment of the past on, for all processes of a machine alike."""

_SUSPENSION_COUNTS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's CLOCK_MONOTONIC, which `time.monotonic` and the event loop read, stands still while the machine
sleeps, and its CLOCK_BOOTTIME goes on. Where there is no such clock, as on macOS, CLOCK_MONOTONIC goes on."""


def monotonic_seconds() -> float:
    """Returns the seconds of a monotonic clock that goes on while the machine is suspended.

    For whatever others judge meanwhile, as whether a lease has run out.
    """
    return time.clock_gettime(_SUSPENSION_COUNTS)


def utc_now() -> datetime:
    """Returns the present moment, cut to the milliseconds that the document store keeps."""
    return utc(datetime.now(UTC))
