import sys
import time
from datetime import UTC, datetime, timedelta

from shared.runtime.clock import monotonic_seconds, utc_now


def test_the_time_is_aware_and_no_finer_than_the_document_store_keeps() -> None:
    now = utc_now()

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=1)


def test_the_monotonic_clock_counts_the_time_in_which_the_machine_sleeps() -> None:
    if sys.platform == "linux":
        assert abs(monotonic_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
    first = monotonic_seconds()
    assert monotonic_seconds() >= first
