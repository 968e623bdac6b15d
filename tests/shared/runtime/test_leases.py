import asyncio
import time
from datetime import timedelta

import pytest

from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost, Leases

MINUTE = timedelta(minutes=1)
OVER = timedelta(0)


async def test_a_lease_is_held_by_one(mongo: Mongo) -> None:
    leases = Leases(mongo)

    first = await leases.take("run:i", MINUTE)
    second = await leases.take("run:i", MINUTE)

    assert first is not None
    assert second is None
    assert await leases.take("run:other", MINUTE) is not None


async def test_a_lease_that_ran_out_is_taken_over_and_its_holder_told(mongo: Mongo) -> None:
    leases = Leases(mongo)
    late = await leases.take("run:i", OVER)
    assert late is not None

    successor = await leases.take("run:i", MINUTE)

    assert successor is not None
    with pytest.raises(LeaseLost):
        late.check()
    with pytest.raises(LeaseLost):
        await late.renew()
    successor.check()


async def test_renewing_moves_the_deadline(mongo: Mongo) -> None:
    lease = await Leases(mongo).take("run:i", MINUTE)
    assert lease is not None
    before = lease.monotonic_deadline

    await lease.renew()

    assert lease.monotonic_deadline > before


async def test_a_released_lease_is_free_at_once_and_a_late_release_frees_nothing(mongo: Mongo) -> None:
    leases = Leases(mongo)
    first = await leases.take("run:i", OVER)
    second = await leases.take("run:i", MINUTE)
    assert first is not None
    assert second is not None

    await first.release()
    assert await leases.take("run:i", MINUTE) is None

    await second.release()
    assert await leases.take("run:i", MINUTE) is not None


async def test_the_deadline_is_told_by_the_loops_clock_too(mongo: Mongo) -> None:
    lease = await Leases(mongo).take("run:i", MINUTE)
    assert lease is not None

    left = lease.loop_deadline - asyncio.get_running_loop().time()

    assert 50 < left <= 60


async def test_a_kept_lease_outlasts_its_term(mongo: Mongo) -> None:
    leases = Leases(mongo)
    lease = await leases.take("write:i", timedelta(seconds=2))
    assert lease is not None
    first_deadline = lease.monotonic_deadline

    async with lease.keep_alive():
        while time.monotonic() <= first_deadline:
            await asyncio.sleep(0.05)
        assert await leases.take("write:i", MINUTE) is None
        lease.check()


async def test_work_is_cut_off_when_somebody_else_has_taken_its_lease(mongo: Mongo) -> None:
    lease = await Leases(mongo).take("write:i", timedelta(seconds=0.4))
    assert lease is not None
    await mongo.all_tenants("leases").change({"_id": "write:i"}, {"$set": {"token": "somebody else"}})

    with pytest.raises(LeaseLost):
        async with asyncio.timeout(60), lease.keep_alive():
            await asyncio.sleep(600)


async def test_what_goes_wrong_under_a_kept_lease_is_told_as_it_is(mongo: Mongo) -> None:
    lease = await Leases(mongo).take("write:i", MINUTE)
    assert lease is not None

    with pytest.raises(TimeoutError):
        async with lease.keep_alive():
            raise TimeoutError("of the work's own")
