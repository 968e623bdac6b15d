import asyncio
from datetime import timedelta
from typing import Any

import pytest
from clocks import MonotonicClock
from interleaving import InterleavedMongo

from shared.mongo import Documents, Mongo
from shared.runtime.clock import monotonic_seconds
from shared.runtime.leases import LeaseLost, Leases
from shared.runtime.settings import MongoSettings

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


async def test_a_lease_that_ran_out_while_the_machine_was_suspended_is_over_for_its_holder(
    mongo: Mongo,
) -> None:
    clock = MonotonicClock()
    lease = await Leases(mongo, monotonic=clock).take("run:i", MINUTE)
    assert lease is not None
    clock.seconds += 59
    lease.check()

    clock.seconds += 1  # no more than a tick, or a night: the loop's own clock would not tell

    with pytest.raises(LeaseLost):
        lease.check()


async def test_the_term_is_measured_from_before_the_store_was_asked(mongo: Mongo) -> None:
    clock = MonotonicClock()

    async def slow() -> None:
        clock.seconds += 20

    store = InterleavedMongo(mongo, "leases.find_one_and_update", slow)
    asked_at = clock()

    lease = await Leases(store, monotonic=clock).take("run:i", MINUTE)

    assert lease is not None
    assert lease.monotonic_deadline == asked_at + 60


class RecordingMongo(Mongo):
    """Keeps what leases ask of the store."""

    def __init__(self, settings: MongoSettings) -> None:
        super().__init__(settings)
        self.asked: list[object] = []

    def all_tenants(self, name: str) -> Documents:
        return Documents(_RecordingCollection(self._database[name], self.asked))


class _RecordingCollection:
    def __init__(self, collection: Any, asked: list[object]) -> None:
        self._collection, self._asked = collection, asked

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._collection, method)

        async def recorded(*arguments: Any, **more: Any) -> Any:
            self._asked.append((arguments, more))
            return await real(*arguments, **more)

        return recorded


async def test_only_the_stores_own_clock_tells_whether_a_lease_is_free(mongo_settings: MongoSettings) -> None:
    store = RecordingMongo(mongo_settings)
    leases = Leases(store)
    lease = await leases.take("run:i", MINUTE)
    assert lease is not None
    assert await leases.take("run:i", MINUTE) is None
    await lease.renew()

    assert len(store.asked) == 3
    assert all("$$NOW" in repr(asked) and "datetime" not in repr(asked) for asked in store.asked)
    await store.close()


async def test_asking_for_a_lease_that_is_held_leaves_it_as_it_is(mongo: Mongo) -> None:
    leases = Leases(mongo)
    lease = await leases.take("run:i", MINUTE)
    before = await mongo.all_tenants("leases").get("run:i")

    assert await leases.take("run:i", timedelta(hours=1)) is None

    assert await mongo.all_tenants("leases").get("run:i") == before
    assert lease is not None
    lease.check()


async def test_of_many_that_ask_at_once_one_gets_the_lease(mongo: Mongo) -> None:
    leases = Leases(mongo)

    taken = await asyncio.gather(*(leases.take("run:i", MINUTE) for _ in range(20)))

    assert len([lease for lease in taken if lease]) == 1


async def test_a_kept_lease_outlasts_its_term(mongo: Mongo) -> None:
    leases = Leases(mongo)
    lease = await leases.take("write:i", timedelta(seconds=2))
    assert lease is not None
    first_deadline = lease.monotonic_deadline

    async with lease.keep_alive():
        while monotonic_seconds() <= first_deadline:
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
