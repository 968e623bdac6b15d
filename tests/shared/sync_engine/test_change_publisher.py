import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_env import NOW, Held, Published, a_request, an_account, an_observer, never

from shared.contracts import Message
from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost
from shared.sync_engine.models import run_of
from shared.sync_engine.publication_counts import published_since


async def test_what_says_the_same_is_published_once(mongo: Mongo) -> None:
    kafka = Published()
    observer = an_observer(mongo, kafka)
    await observer.publish([an_account(revision=1)])

    again = an_account(revision=2, run_id="run_2").model_copy(
        update={"generation": 2, "observed_at": NOW + timedelta(days=1)}
    )
    assert await observer.publish([again]) == []
    assert await observer.publish([an_account(revision=3, name="Contoso Ltd")]) != []
    assert [message.revision for message in kafka.messages if isinstance(message, VendorAccountObserved)] == [
        1,
        3,
    ]


async def test_a_proof_is_published_even_when_it_says_the_same(mongo: Mongo) -> None:
    observer = an_observer(mongo, Published())
    await observer.publish([an_account(revision=1)])

    assert await observer.publish([an_account(revision=2)], always=True) == [an_account(revision=2)]


async def test_older_news_than_the_last_seen_is_dropped(mongo: Mongo) -> None:
    observer = an_observer(mongo, Published())
    await observer.publish([an_account(revision=5)])

    assert await observer.publish([an_account(revision=4, name="before")]) == []


async def test_each_revision_is_larger_than_the_one_before(mongo: Mongo) -> None:
    observer = an_observer(mongo, Published())

    first, second = await observer.next_revision(), await observer.next_revision()

    assert 0 < first < second


async def test_what_kafka_did_not_acknowledge_is_published_again_whatever_it_says(mongo: Mongo) -> None:
    broken, kafka = Published(before=never), Published()
    with pytest.raises(TransientError):
        await an_observer(mongo, broken).publish([an_account(revision=1)])

    assert await an_observer(mongo, kafka).publish([an_account(revision=2)]) == [an_account(revision=2)]


async def test_the_rest_that_is_dirty_goes_out_as_it_was_read(mongo: Mongo) -> None:
    with pytest.raises(TransientError):
        await an_observer(mongo, Published(before=never)).publish([an_account(revision=7)])
    kafka = Published()

    assert await an_observer(mongo, kafka).republish_dirty() == 1
    assert await an_observer(mongo, kafka).republish_dirty() == 0

    assert kafka.messages == [an_account(revision=7)]


async def test_nothing_is_published_after_the_leases_deadline(mongo: Mongo) -> None:
    kafka = Published()

    with pytest.raises(LeaseLost):
        await an_observer(mongo, kafka, Held(time.monotonic() - 1)).publish([an_account()])

    assert kafka.messages == []


async def test_a_worker_paused_while_publishing_leaves_its_key_dirty(mongo: Mongo) -> None:
    kafka, lease = Published(), Held()

    async def paused(_: list[Message]) -> None:
        lease.deadline = 0.0
        raise TransientError("the deadline passed")

    with pytest.raises(TransientError):
        await an_observer(mongo, replace(kafka, before=paused), lease).publish([an_account(revision=1)])

    assert await an_observer(mongo, kafka).publish([an_account(revision=2)]) == [an_account(revision=2)]


async def test_the_newest_reading_is_the_last_record_of_its_key(mongo: Mongo) -> None:
    kafka = Published()

    async def overtake(_: list[Message]) -> None:
        if not kafka.messages:
            await an_observer(mongo, kafka).publish([an_account(revision=9, name="newer")])

    overtaken = Published(kafka.messages, before=overtake)
    await an_observer(mongo, overtaken).publish([an_account(revision=8, name="older")])

    names = [message.name for message in kafka.messages if isinstance(message, VendorAccountObserved)]
    assert names == ["newer", "older", "newer"]


async def test_a_record_that_arrives_behind_its_successors_is_overtaken_again(mongo: Mongo) -> None:
    kafka = Published()

    async def paused(batch: list[Message]) -> None:
        await an_observer(mongo, kafka).publish([an_account(revision=9, name="newer")])
        kafka.messages += batch
        raise TransientError("the deadline passed")

    with pytest.raises(TransientError):
        await an_observer(mongo, Published(before=paused)).publish([an_account(revision=8, name="older")])

    assert await an_observer(mongo, kafka).republish_dirty() == 1
    names = [message.name for message in kafka.messages if isinstance(message, VendorAccountObserved)]
    assert names == ["newer", "older", "newer"]


async def test_a_worker_that_loses_its_lease_after_overtaking_leaves_the_key_dirty(mongo: Mongo) -> None:
    kafka, lease = Published(), Held()

    async def overtaken(_: list[Message]) -> None:
        await an_observer(mongo, kafka).publish([an_account(revision=9, name="newer")])
        lease.deadline = 0.0

    with pytest.raises(LeaseLost):
        await an_observer(mongo, replace(kafka, before=overtaken), lease).publish([an_account(revision=8)])

    assert await an_observer(mongo, kafka).republish_dirty() == 1


async def test_published_keys_are_those_a_reader_holds_since_the_run_began(mongo: Mongo) -> None:
    observer = an_observer(mongo, Published())
    await observer.publish([an_account("before", revision=1)])
    await observer.publish([an_account("a", revision=5), an_account("b", revision=5)])
    await observer.publish([an_account("b", revision=6, name="twice")])
    await observer.publish([an_account("before", revision=7)])

    run = run_of(a_request(), NOW).model_copy(update={"first_revision": 2})
    topics = [VendorAccountObserved.topic, "another"]

    assert await published_since(mongo, run, topics) == {VendorAccountObserved.topic: 2, "another": 0}


async def test_writers_at_work_at_the_same_time_leave_the_newest_reading_last(mongo: Mongo) -> None:
    kafka, keys = Published(), [f"a{n}" for n in range(30)]

    async def read(revision: int) -> None:
        news = [an_account(key, revision=revision, name=f"at {revision}") for key in keys]
        await an_observer(mongo, kafka).publish(news)

    for first in (1, 5, 9):
        await asyncio.gather(*(read(first + n) for n in (3, 0, 2, 1)))

    last = {m.account_id: m.revision for m in kafka.messages if isinstance(m, VendorAccountObserved)}
    seen = {
        one.account_id: one.revision
        async for one in an_observer(mongo, kafka).last_seen(VendorAccountObserved)
    }
    assert last == seen == dict.fromkeys(keys, 12)


async def test_everything_that_was_ever_seen_is_told(mongo: Mongo) -> None:
    observer = an_observer(mongo, Published())
    await observer.publish([an_account("a"), an_account("b")])

    assert {seen.account_id async for seen in observer.last_seen(VendorAccountObserved)} == {"a", "b"}
    known = await observer.existing(VendorAccountObserved, [an_account("b"), an_account("c")])
    assert list(known) == [an_account("b").key]


@given(news=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.booleans()), max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_news_and_crashes_come_the_last_record_is_the_newest_reading(
    mongo: Mongo, news: list[tuple[str, int, bool]]
) -> None:
    for name in ("observations", "dirty"):
        await mongo.documents(name, "demo").remove({})
    kafka = Published()

    for key, revision, fails in news:
        account = an_account(key, revision=revision, name=f"at {revision}")
        try:
            await an_observer(mongo, Published(before=never) if fails else kafka).publish([account])
        except TransientError:
            continue
    await an_observer(mongo, kafka).republish_dirty()

    last = {m.account_id: m.revision for m in kafka.messages if isinstance(m, VendorAccountObserved)}
    assert last == {key: max(r for k, r, _ in news if k == key) for key, _, _ in news}
