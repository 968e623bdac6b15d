import asyncio
import time
from itertools import pairwise

import pytest

from shared.mongo import Mongo
from shared.runtime.clock import MACHINE, TIME_SOURCE
from shared.sync_engine.revisions import RevisionCounter

A_DAY = 24 * 3600 * 10**6
"""In microseconds."""


async def take(mongo: Mongo) -> int:
    return await RevisionCounter(mongo).next("demo", "int_1")


def microseconds() -> int:
    """The time of this machine, on which the store runs as well."""
    return time.time_ns() // 1000


async def test_a_revision_is_never_given_out_twice(mongo: Mongo) -> None:
    began_at = microseconds()
    taken = await asyncio.gather(*(take(mongo) for _ in range(20)))

    assert len(set(taken)) == 20
    assert min(taken) > began_at - 1_000, "the store tells the time in milliseconds"


@pytest.mark.parametrize("off", [A_DAY, -A_DAY], ids=["ahead", "behind"])
async def test_a_replica_whose_clock_is_off_moves_no_revision(mongo: Mongo, off: int) -> None:
    first = await take(mongo)
    TIME_SOURCE.set(MACHINE._replace(unix_nanoseconds=lambda: time.time_ns() + off * 1000))
    second = await take(mongo)
    TIME_SOURCE.set(MACHINE)
    third = await take(mongo)

    assert first < second < third < microseconds() + A_DAY / 24


async def test_a_revision_grows_also_where_the_store_was_once_ahead(mongo: Mongo) -> None:
    ahead = microseconds() + A_DAY
    await mongo.documents("revisions", "demo").put({"_id": "int_1", "value": ahead})

    taken = [await take(mongo) for _ in range(3)]

    assert all(earlier < later for earlier, later in pairwise([ahead, *taken]))
    assert taken[-1] == ahead + 3


async def test_a_database_that_was_restored_gives_no_revision_again(mongo: Mongo) -> None:
    rows = mongo.documents("revisions", "demo")
    await take(mongo)
    backup = await rows.get("int_1")
    assert backup is not None
    lost = [await take(mongo) for _ in range(5)]
    while microseconds() <= lost[-1] + 1_000:  # no restore is as fast as that
        await asyncio.sleep(0.001)
    await rows.put(backup)

    assert await take(mongo) > max(lost)
