"""The store's time is the same for every replica, whatever its own clock says."""

from datetime import UTC, datetime, timedelta

import pytest
from clocks import MonotonicClock, off_by

from shared.mongo import Mongo
from shared.runtime.clock import utc_now
from shared.runtime.store_clock import StoreClock

NEARLY = timedelta(seconds=20)


@pytest.mark.parametrize("minutes", [10, -10])
async def test_a_replica_whose_clock_is_off_tells_the_stores_time(mongo: Mongo, minutes: int) -> None:
    error = timedelta(minutes=minutes)
    with off_by(error):
        own, told = utc_now(), await StoreClock(mongo)()

    assert abs(own - datetime.now(UTC)) > abs(error) - NEARLY
    assert abs(told - datetime.now(UTC)) < NEARLY


async def test_between_two_answers_the_time_goes_on_by_the_monotonic_clock(mongo: Mongo) -> None:
    monotonic = MonotonicClock()
    clock = StoreClock(mongo, monotonic=monotonic)
    first = await clock()

    monotonic.seconds += 7

    assert await clock() == first + timedelta(seconds=7)


async def test_the_store_is_asked_anew_after_a_while(mongo: Mongo) -> None:
    monotonic = MonotonicClock()
    clock = StoreClock(mongo, monotonic=monotonic)
    first = await clock()

    monotonic.seconds += 3600

    assert await clock() - first < timedelta(minutes=30)
