from datetime import timedelta

from work_queues import NOW, a_queue, due_keys, ids

from shared.mongo import Mongo
from shared.work_queue import WORK_QUEUE_INDEXES

MINUTE = timedelta(minutes=1)


async def test_an_item_comes_back_as_it_was_enqueued(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    await mongo.ensure(WORK_QUEUE_INDEXES)

    enqueued = await queue.enqueue("t", "accounts", {"v:1.$x": ["sub-1", "sub-2"], "a": []}, at=NOW)

    assert await queue.read_due("t", limit=10) == enqueued
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


async def test_the_oldest_news_is_read_first_and_in_pages(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    for minutes in (2, 0, 1):
        await queue.enqueue("t", "accounts", [str(minutes)], at=NOW + minutes * MINUTE)

    first = await queue.read_due("t", limit=2)
    rest = await queue.read_due("t", limit=2, skip=2)

    assert [item.keys for item in [*first, *rest]] == [("0",), ("1",), ("2",)]


async def test_completing_takes_only_the_tenants_own_items(mongo: Mongo) -> None:
    queue = a_queue(mongo)
    (item,) = await queue.enqueue("other", "accounts", ["a"])

    await queue.complete("t", [item.id])
    await queue.complete("t", [])

    assert await queue.tenants(NOW) == ["other"]
    assert await due_keys(queue) == []


async def test_lanes_are_read_apart_or_together(mongo: Mongo) -> None:
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
    assert [dict(item.details) for item in await queue.read_due("t", limit=1, now=NOW + 5 * MINUTE)] == [
        {"failed": ("sub-1",)}
    ]


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

    restored = await queue.read_due("t", limit=10)
    assert ids(restored) == [item.id]
    assert dict(restored[0].details) == {"a": ("sub-1",)}


async def test_the_moment_of_the_news_is_kept_to_the_millisecond(mongo: Mongo) -> None:
    queue, moment = a_queue(mongo), NOW.replace(microsecond=123_456)

    (item,) = await queue.enqueue("t", "accounts", ["a"], at=moment)

    assert item.enqueued_at == NOW.replace(microsecond=123_000)
    assert await queue.newest("t") == item.enqueued_at
    assert await queue.any_until("t", moment)
