import asyncio
from itertools import pairwise

from shared.mongo import Mongo
from shared.sync_engine.revisions import RevisionCounter

MICROSECONDS = 1_764_382_000_000_000


def a_counter(mongo: Mongo, microseconds: int = MICROSECONDS) -> RevisionCounter:
    return RevisionCounter(mongo, now_ns=lambda: microseconds * 1000)


async def test_a_revision_is_never_given_out_twice(mongo: Mongo) -> None:
    taken = await asyncio.gather(*(a_counter(mongo).next("demo", "int_1") for _ in range(20)))

    assert len(set(taken)) == 20
    assert min(taken) > MICROSECONDS


async def test_a_revision_grows_whatever_the_clock_does(mongo: Mongo) -> None:
    clocks = [MICROSECONDS, MICROSECONDS - 10**9, MICROSECONDS + 5, MICROSECONDS]

    taken = [await a_counter(mongo, clock).next("demo", "int_1") for clock in clocks]

    assert all(earlier < later for earlier, later in pairwise(taken))


async def test_a_database_that_was_restored_gives_no_revision_again(mongo: Mongo) -> None:
    rows = mongo.documents("revisions", "demo")
    await a_counter(mongo).next("demo", "int_1")
    backup = await rows.get("int_1")
    assert backup is not None
    lost = [await a_counter(mongo, MICROSECONDS + second * 10**6).next("demo", "int_1") for second in (1, 2)]
    await rows.put(backup)

    assert await a_counter(mongo, MICROSECONDS + 3 * 10**6).next("demo", "int_1") > max(lost)
