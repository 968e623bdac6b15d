"""Clocks that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from shared.runtime.clock import MACHINE, TIME_SOURCE, Clock, StoreTime, TimeSource


class MonotonicClock:
    """Stands still until its seconds are moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@contextmanager
def off_by(error: timedelta) -> Iterator[None]:
    """Lets this task's own clock go wrong by `error`, as that of a machine may; monotonic time is right."""
    nanoseconds = error // timedelta(microseconds=1) * 1000
    wrong = TimeSource(lambda: MACHINE.unix_nanoseconds() + nanoseconds, MACHINE.monotonic_seconds)
    token = TIME_SOURCE.set(wrong)
    try:
        yield
    finally:
        TIME_SOURCE.reset(token)


@contextmanager
def standing_still() -> Iterator[MonotonicClock]:
    """Lets this task's monotonic time pass only as the test moves it."""
    clock = MonotonicClock()
    token = TIME_SOURCE.set(TimeSource(MACHINE.unix_nanoseconds, clock))
    try:
        yield clock
    finally:
        TIME_SOURCE.reset(token)


def as_store_time(clock: Clock) -> StoreTime:
    """Returns the time of a store whose clock a test moves."""

    async def tell() -> datetime:
        return clock()

    return tell
