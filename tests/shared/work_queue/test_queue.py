import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interleaving import Meddled

from shared.mongo import Mongo, Session
from shared.runtime.settings import MongoSettings
from shared.work_queue import WORK_QUEUE_INDEXES, WorkItem, WorkQueue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_queue(mongo: Mongo, *, keys_per_item: int = 250) -> WorkQueue:
    return WorkQueue(mongo, keys_per_item=keys_per_item, clock=lambda: NOW)


async def due_keys(queue: WorkQueue, at: datetime = NOW, lane: str | None = None) -> list[tuple[str, ...]]:
    return [item.keys for item in await queue.claim("t", limit=100, now=at, lane=lane)]


def ids(items: list[WorkItem]) -> list[str]:
    return [item.id for item in items]


async def test_an_item_comes_back_as_it_was_enqueued(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await mongo.ensure(WORK_QUEUE_INDEXES)

    enqueued = await queue.enqueue("t", "accounts", {"v:1.$x": ["sub-1", "sub-2"], "a": []}, at=NOW)

    assert await queue.claim("t", limit=10) == enqueued
    assert enqueued[0].keys == ("a", "v:1.$x")
    assert enqueued[0].details == {"v:1.$x": ("sub-1", "sub-2")}


async def test_no_keys_add_no_item(mongo: Mongo) -> None:
    queue = a_queue(mongo)

    assert await queue.enqueue("t", "accounts", []) == []
    assert await queue.enqueue("t", "accounts", {}) == []

    assert await queue.tenants(NOW) == []
    assert await queue.newest("t") is None
    assert not await queue.any_until("t", NOW)


async def test_many_keys_are_divided_and_each_stands_in_one_item(mongo: Mongo) -> None:
    queue = a_queue(mongo, keys_per_item=2)

    await queue.enqueue("t", "accounts", iter(["c", "a", "b", "a", "e", "d"]))

    assert sorted(await due_keys(queue)) == [("a", "b"), ("c", "d"), ("e",)]


async def test_the_oldest_news_is_claimed_first_and_in_pages(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    for minutes in (2, 0, 1):
        await queue.enqueue("t", "accounts", [str(minutes)], at=NOW + minutes * MINUTE)

    first = await queue.claim("t", limit=2)
    rest = await queue.claim("t", limit=2, skip=2)

    assert [item.keys for item in [*first, *rest]] == [("0",), ("1",), ("2",)]


async def test_what_arrives_while_a_key_is_worked_on_outlasts_the_completion(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a", "b"])
    claimed = await queue.claim("t", limit=10)

    await queue.enqueue("t", "accounts", ["a"])
    await queue.complete("t", ids(claimed))

    assert await due_keys(queue) == [("a",)]


async def test_two_producers_of_one_key_do_not_hide_each_other(mongo: Mongo) -> None:
    queues = a_queue(mongo), a_queue(mongo)

    await asyncio.gather(*(queue.enqueue("t", "accounts", ["a"]) for queue in queues))

    assert await due_keys(queues[0]) == [("a",), ("a",)]


async def test_two_workers_that_claim_together_get_the_same_items_and_may_both_complete_them(
    mongo: Mongo,
) -> None:
    queue, other = a_queue(mongo), a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"])

    mine, theirs = await asyncio.gather(queue.claim("t", limit=10), other.claim("t", limit=10))
    await asyncio.gather(queue.complete("t", ids(mine)), other.complete("t", ids(theirs)))

    assert mine == theirs
    assert await queue.tenants(NOW) == []


async def test_a_worker_killed_before_it_completes_leaves_the_item(mongo: Mongo) -> None:
    await a_queue(mongo).enqueue("t", "accounts", ["a"])
    await a_queue(mongo).claim("t", limit=10)

    assert await due_keys(a_queue(mongo)) == [("a",)]


async def test_completing_takes_only_the_tenants_own_items(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    (item,) = await queue.enqueue("other", "accounts", ["a"])

    await queue.complete("t", [item.id])
    await queue.complete("t", [])

    assert await queue.tenants(NOW) == ["other"]
    assert await due_keys(queue) == []


async def test_lanes_are_claimed_apart_or_together(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"], at=NOW)
    await queue.enqueue("t", "wide", ["s"], at=NOW + MINUTE)

    assert await due_keys(queue, lane="wide") == [("s",)]
    assert await due_keys(queue, lane="accounts") == [("a",)]
    assert await due_keys(queue, lane="unknown") == []
    assert await due_keys(queue) == [("a",), ("s",)]


async def test_a_requeued_key_keeps_its_age_and_waits_for_its_time(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["later"], at=NOW + MINUTE)

    await queue.requeue_after("t", "accounts", {"failed": ["sub-1"]}, at=NOW, not_before=NOW + 5 * MINUTE)

    assert await due_keys(queue, NOW + 4 * MINUTE) == [("later",)]
    assert await due_keys(queue, NOW + 5 * MINUTE) == [("failed",), ("later",)]
    assert [dict(item.details) for item in await queue.claim("t", limit=1, now=NOW + 5 * MINUTE)] == [
        {"failed": ("sub-1",)}
    ]


async def test_a_worker_killed_between_requeueing_and_completing_loses_no_key(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"], at=NOW)

    await queue.requeue_after("t", "accounts", ["a"], at=NOW, not_before=NOW + MINUTE)

    assert await due_keys(a_queue(mongo)) == [("a",)]
    assert await due_keys(a_queue(mongo), NOW + MINUTE) == [("a",), ("a",)]


async def test_a_tenant_whose_items_are_all_delayed_has_nothing_due(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.requeue_after("late", "accounts", ["a"], at=NOW, not_before=NOW + MINUTE)
    await queue.enqueue("b", "accounts", ["a"])
    await queue.enqueue("a", "accounts", ["a"])

    assert await queue.tenants(NOW) == ["a", "b"]
    assert await queue.tenants(NOW + MINUTE) == ["a", "b", "late"]


async def test_delayed_items_count_as_waiting_apart_from_the_others(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.requeue_after("t", "accounts", ["a"], at=NOW, not_before=NOW + MINUTE)
    await queue.enqueue("t", "accounts", ["b"], at=NOW + 2 * MINUTE)

    assert await queue.any_until("t", NOW, delayed=True)
    assert not await queue.any_until("t", NOW)
    assert not await queue.any_until("t", NOW - MINUTE, delayed=True)
    assert await queue.any_until("t", NOW + 2 * MINUTE)
    assert await queue.newest("t") == NOW + 2 * MINUTE


async def test_a_lane_shows_its_delayed_items_too(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await queue.enqueue("t", "accounts", ["a"])
    await queue.requeue_after("t", "accounts", ["b"], at=NOW, not_before=NOW + MINUTE)
    await queue.enqueue("t", "wide", ["s"])

    assert sorted(item.keys for item in await queue.lane("t", "accounts")) == [("a",), ("b",)]


async def test_a_restored_item_is_due_again_once(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    (item,) = await queue.enqueue("t", "accounts", {"a": ["sub-1"]})
    await queue.complete("t", [item.id])

    await queue.restore(item)
    await queue.restore(item)

    restored = await queue.claim("t", limit=10)
    assert ids(restored) == [item.id]
    assert dict(restored[0].details) == {"a": ("sub-1",)}


async def test_the_moment_of_the_news_is_kept_to_the_millisecond(mongo: Mongo) -> None:
    queue, moment = a_queue(mongo), NOW.replace(microsecond=123_456)

    (item,) = await queue.enqueue("t", "accounts", ["a"], at=moment)

    assert item.enqueued_at == NOW.replace(microsecond=123_000)
    assert await queue.newest("t") == item.enqueued_at
    assert await queue.any_until("t", moment)


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
        items = await queue.claim("t", limit=10, session=session)
        await queue.complete("t", ids(items), session=session)
        raise ValueError("the result is not stored")

    with pytest.raises(ValueError, match="not stored"):
        await mongo.transaction(work)

    assert await due_keys(queue) == [("a",)]


async def test_what_is_enqueued_between_claiming_and_completing_is_left(
    mongo: Mongo, mongo_settings: MongoSettings
) -> None:
    producer = a_queue(mongo)
    store = Meddled(
        mongo_settings, "work_items.delete_many", lambda: producer.enqueue("t", "accounts", ["a"])
    )
    worker = a_queue(store)
    await producer.enqueue("t", "accounts", ["a", "b"])

    await worker.complete("t", ids(await worker.claim("t", limit=10)))

    await store.close()
    assert await due_keys(producer) == [("a",)]


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
        claimed = await queue.claim("t", limit=2)
        if step == "die":
            continue
        failed = keys & {key for item in claimed for key in item.keys}
        await queue.requeue_after("t", "accounts", failed, at=NOW, not_before=NOW)
        await queue.complete("t", ids(claimed))
        left = {key for item in await queue.lane("t", "accounts") for key in item.keys}
        unfinished -= {key for item in claimed for key in item.keys} - left - failed

    assert {key for item in await queue.lane("t", "accounts") for key in item.keys} == unfinished
