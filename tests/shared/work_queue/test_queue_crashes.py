"""What a queue holds when producers and workers meet, or are killed between any two of their steps."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interleaving import InterleavedMongo, ResendingMongo
from work_queues import NOW, a_queue, due_keys, ids

from shared.mongo import Mongo, Session

MINUTE = timedelta(minutes=1)


async def test_what_arrives_while_a_key_is_worked_on_outlasts_the_completion(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a", "b"])
    items = await queue.read_due("t", limit=10)

    await queue.enqueue("t", "accounts", ["a"])
    await queue.complete("t", ids(items))

    assert await due_keys(queue) == [("a",)]


async def test_two_producers_of_one_key_do_not_hide_each_other(mongo: Mongo) -> None:
    queues = a_queue(mongo), a_queue(mongo)

    await asyncio.gather(*(queue.enqueue("t", "accounts", ["a"]) for queue in queues))

    assert await due_keys(queues[0]) == [("a",), ("a",)]


async def test_two_workers_that_read_together_get_the_same_items_and_may_both_complete_them(
    mongo: Mongo,
) -> None:
    queue, other = a_queue(mongo), a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"])

    first, second = await asyncio.gather(queue.read_due("t", limit=10), other.read_due("t", limit=10))
    await asyncio.gather(queue.complete("t", ids(first)), other.complete("t", ids(second)))

    assert first == second
    assert await queue.tenants(NOW) == []


async def test_a_worker_killed_before_it_completes_leaves_the_item(mongo: Mongo) -> None:
    await a_queue(mongo).enqueue("t", "accounts", ["a"])
    await a_queue(mongo).read_due("t", limit=10)

    assert await due_keys(a_queue(mongo)) == [("a",)]


async def test_a_worker_killed_between_requeueing_and_completing_loses_no_key(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"], at=NOW)

    await queue.requeue_after("t", "accounts", ["a"], at=NOW, not_before=NOW + MINUTE)

    assert await due_keys(a_queue(mongo)) == [("a",)]
    assert await due_keys(a_queue(mongo), NOW + MINUTE) == [("a",), ("a",)]


async def test_news_and_its_item_are_stored_together_or_not_at_all(mongo: Mongo) -> None:
    queue = a_queue(mongo)

    async def work(session: Session) -> None:
        await mongo.documents("news", "t").insert({"_id": "1"}, session=session)
        await queue.enqueue("t", "accounts", ["a"], session=session)
        raise ValueError("the transaction is given up")

    with pytest.raises(ValueError, match="given up"):
        await mongo.transaction(work)

    assert await queue.tenants(NOW) == []


async def test_a_completion_that_is_rolled_back_leaves_the_item(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"])

    async def work(session: Session) -> None:
        items = await queue.read_due("t", limit=10, session=session)
        await queue.complete("t", ids(items), session=session)
        raise ValueError("the result is not stored")

    with pytest.raises(ValueError, match="not stored"):
        await mongo.transaction(work)

    assert await due_keys(queue) == [("a",)]


async def test_what_is_enqueued_between_reading_and_completing_is_left(
    mongo: Mongo,
) -> None:
    producer = a_queue(mongo)
    store = InterleavedMongo(
        mongo, "work_items.delete_many", lambda: producer.enqueue("t", "accounts", ["a"])
    )
    worker = a_queue(store)
    await producer.enqueue("t", "accounts", ["a", "b"])

    await worker.complete("t", ids(await worker.read_due("t", limit=10)))

    assert await due_keys(producer) == [("a",)]


async def test_keys_whose_answer_was_lost_are_enqueued_once(
    mongo: Mongo,
) -> None:
    store = ResendingMongo(mongo, "work_items")

    await a_queue(store).enqueue("t", "accounts", ["a"])

    assert await due_keys(a_queue(mongo)) == [("a",)]


@given(
    steps=st.lists(
        st.one_of(
            st.sets(st.sampled_from("abcde"), max_size=4).map(lambda keys: ("enqueue", keys)),
            st.just(("work", set())),
            st.just(("die", set())),
            st.sets(st.sampled_from("abcde"), max_size=2).map(lambda keys: ("fail", keys)),
        ),
        max_size=12,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_key_is_lost_whatever_happens_to_its_workers(
    mongo: Mongo, steps: list[tuple[str, set[str]]]
) -> None:
    queue, unfinished = a_queue(mongo, keys_per_item=2), set[str]()
    await mongo.all_tenants("work_items").remove({})

    for step, keys in steps:
        if step == "enqueue":
            await queue.enqueue("t", "accounts", keys)
            unfinished |= keys
            continue
        items = await queue.read_due("t", limit=2)
        if step == "die":
            continue
        failed = keys & {key for item in items for key in item.keys}
        await queue.requeue_after("t", "accounts", failed, at=NOW, not_before=NOW)
        await queue.complete("t", ids(items))
        left = {key for item in await queue.lane("t", "accounts") for key in item.keys}
        unfinished -= {key for item in items for key in item.keys} - left - failed

    assert {key for item in await queue.lane("t", "accounts") for key in item.keys} == unfinished
