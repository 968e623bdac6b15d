from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.backoff import PAUSE, Backoff, backoff_seconds


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0.5), (1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 10), (7, 10)]
)
def test_the_pause_doubles_with_each_failure_up_to_the_longest(failures: int, seconds: float) -> None:
    assert backoff_seconds(failures, first=0.5, longest=10) == seconds


def test_the_longest_pause_bounds_the_first_too() -> None:
    assert backoff_seconds(1, first=3600, longest=10) == 10


@given(failures=st.integers(0, 10**9), first=st.floats(0.001, 100), longest=st.floats(0.001, 10_000))
def test_a_pause_never_shrinks_and_never_exceeds_the_longest(
    failures: int, first: float, longest: float
) -> None:
    pause = backoff_seconds(failures, first=first, longest=longest)

    assert min(first, longest) <= pause <= longest
    assert pause <= backoff_seconds(failures + 1, first=first, longest=longest)


def test_a_key_that_failed_is_left_alone_for_the_pause_and_no_longer() -> None:
    clock = Clock()
    backoff = Backoff[str](clock)

    assert backoff.ready("a")
    until = backoff.failed("a")

    assert until == clock.now + PAUSE
    assert not backoff.ready("a")
    clock.now = until
    assert backoff.ready("a")


def test_one_key_that_failed_does_not_hold_up_the_others() -> None:
    backoff = Backoff[str](Clock())

    backoff.failed("a")

    assert backoff.ready("b")


def test_a_key_that_fails_again_waits_anew() -> None:
    clock = Clock()
    backoff = Backoff[str](clock, timedelta(seconds=10))
    backoff.failed("a")
    clock.now += timedelta(seconds=10)

    backoff.failed("a")

    clock.now += timedelta(seconds=9)
    assert not backoff.ready("a")
    clock.now += timedelta(seconds=1)
    assert backoff.ready("a")
