import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from run_env import NOW, FakeLease, RecordingPublisher, a_change_publisher, an_account, kafka_away

from shared.contracts import Message
from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import PermanentError, TransientError
from shared.mongo import Mongo
from shared.runtime.clock import monotonic_seconds
from shared.runtime.leases import LeaseLost


async def test_what_says_the_same_is_published_once(mongo: Mongo) -> None:
    publisher = RecordingPublisher()
    changes = a_change_publisher(mongo, publisher)
    await changes.publish([an_account(revision=1)])

    again = an_account(revision=2, run_id="run_2").model_copy(
        update={"generation": 2, "observed_at": NOW + timedelta(days=1)}
    )
    assert await changes.publish([again]) == []
    assert await changes.publish([an_account(revision=3, name="Contoso Ltd")]) != []
    assert [
        message.revision for message in publisher.messages if isinstance(message, VendorAccountObserved)
    ] == [
        1,
        3,
    ]


async def test_a_proof_is_published_even_when_it_says_the_same(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())
    await changes.publish([an_account(revision=1)])

    assert await changes.publish([an_account(revision=2)], always=True) == [an_account(revision=2)]


async def test_a_reading_older_than_the_last_seen_is_dropped(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())
    await changes.publish([an_account(revision=5)])

    assert await changes.publish([an_account(revision=4, name="before")]) == []


async def test_each_revision_is_larger_than_the_one_before(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())

    first, second = await changes.next_revision(), await changes.next_revision()

    assert 0 < first < second


async def test_what_kafka_did_not_acknowledge_is_published_again_whatever_it_says(mongo: Mongo) -> None:
    broken, publisher = RecordingPublisher(before=kafka_away), RecordingPublisher()
    with pytest.raises(TransientError):
        await a_change_publisher(mongo, broken).publish([an_account(revision=1)])

    assert await a_change_publisher(mongo, publisher).publish([an_account(revision=2)]) == [
        an_account(revision=2)
    ]


async def test_the_rest_that_is_dirty_goes_out_as_it_was_read(mongo: Mongo) -> None:
    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=kafka_away)).publish(
            [an_account(revision=7)]
        )
    publisher = RecordingPublisher()

    assert await a_change_publisher(mongo, publisher).republish_dirty() == 1
    assert await a_change_publisher(mongo, publisher).republish_dirty() == 0

    assert publisher.messages == [an_account(revision=7)]


async def test_nothing_is_published_after_the_leases_deadline(mongo: Mongo) -> None:
    publisher = RecordingPublisher()

    with pytest.raises(LeaseLost):
        await a_change_publisher(mongo, publisher, FakeLease(monotonic_seconds() - 1)).publish([an_account()])

    assert publisher.messages == []


async def test_a_worker_paused_while_publishing_leaves_its_key_dirty(mongo: Mongo) -> None:
    publisher, lease = RecordingPublisher(), FakeLease()

    async def paused(_: list[Message]) -> None:
        lease.deadline = 0.0
        raise TransientError("the deadline passed")

    with pytest.raises(TransientError):
        await a_change_publisher(mongo, replace(publisher, before=paused), lease).publish(
            [an_account(revision=1)]
        )

    assert await a_change_publisher(mongo, publisher).publish([an_account(revision=2)]) == [
        an_account(revision=2)
    ]


async def test_the_newest_reading_is_the_last_record_of_its_key(mongo: Mongo) -> None:
    publisher = RecordingPublisher()

    async def overtake(_: list[Message]) -> None:
        if not publisher.messages:
            await a_change_publisher(mongo, publisher).publish([an_account(revision=9, name="newer")])

    overtaken = RecordingPublisher(publisher.messages, before=overtake)
    await a_change_publisher(mongo, overtaken).publish([an_account(revision=8, name="older")])

    names = [message.name for message in publisher.messages if isinstance(message, VendorAccountObserved)]
    assert names == ["newer", "older", "newer"]


async def test_a_record_that_arrives_behind_its_successors_is_overtaken_again(mongo: Mongo) -> None:
    publisher = RecordingPublisher()

    async def paused(batch: list[Message]) -> None:
        await a_change_publisher(mongo, publisher).publish([an_account(revision=9, name="newer")])
        publisher.messages += batch
        raise TransientError("the deadline passed")

    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=paused)).publish(
            [an_account(revision=8, name="older")]
        )

    assert await a_change_publisher(mongo, publisher).republish_dirty() == 1
    names = [message.name for message in publisher.messages if isinstance(message, VendorAccountObserved)]
    assert names == ["newer", "older", "newer"]


async def test_a_worker_that_loses_its_lease_after_overtaking_leaves_the_key_dirty(mongo: Mongo) -> None:
    publisher, lease = RecordingPublisher(), FakeLease()

    async def overtaken(_: list[Message]) -> None:
        await a_change_publisher(mongo, publisher).publish([an_account(revision=9, name="newer")])
        lease.deadline = 0.0

    with pytest.raises(LeaseLost):
        await a_change_publisher(mongo, replace(publisher, before=overtaken), lease).publish(
            [an_account(revision=8)]
        )

    assert await a_change_publisher(mongo, publisher).republish_dirty() == 1


async def test_writers_at_work_at_the_same_time_leave_the_newest_reading_last(mongo: Mongo) -> None:
    publisher, keys = RecordingPublisher(), [f"a{n}" for n in range(30)]

    async def read(revision: int) -> None:
        accounts = [an_account(key, revision=revision, name=f"at {revision}") for key in keys]
        await a_change_publisher(mongo, publisher).publish(accounts)

    for first in (1, 5, 9):
        await asyncio.gather(*(read(first + n) for n in (3, 0, 2, 1)))

    last = {m.account_id: m.revision for m in publisher.messages if isinstance(m, VendorAccountObserved)}
    last_seen = {
        account.account_id: account.revision
        async for account in a_change_publisher(mongo, publisher).last_seen(VendorAccountObserved)
    }
    assert last == last_seen == dict.fromkeys(keys, 12)


async def test_each_thing_is_stated_by_the_reading_that_first_said_so(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())
    first = await changes.state([an_account("a", revision=1), an_account("b", revision=1)])

    again = await changes.state([an_account("a", revision=2), an_account("b", revision=2, name="Other")])

    a, b = an_account("a").key, an_account("b").key
    assert (first[a].revision, again[a].revision, again[b].revision) == (1, 1, 2)
    assert first[a].digest == again[a].digest
    assert first[b].digest != again[b].digest


async def test_what_was_dirty_is_stated_anew_and_says_the_same(mongo: Mongo) -> None:
    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=kafka_away)).publish(
            [an_account(revision=1)]
        )
    changes = a_change_publisher(mongo, RecordingPublisher())

    (stated,) = (await changes.state([an_account(revision=2)])).values()
    (later,) = (await changes.state([an_account(revision=3)])).values()

    # It stays dirty until the run ends, and so does each further statement of it.
    assert (stated.revision, later.revision) == (2, 3)
    assert stated.digest == later.digest


async def test_what_kafka_never_takes_is_not_stated(mongo: Mongo) -> None:
    async def refuse(batch: list[Message]) -> None:
        if any(message.key == an_account("a").key for message in batch):
            raise PermanentError("larger than Kafka takes")

    changes = a_change_publisher(mongo, RecordingPublisher(before=refuse))

    stated = await changes.state([an_account("a"), an_account("b")])

    assert list(stated) == [an_account("b").key]


async def test_everything_that_was_ever_seen_is_returned(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())
    await changes.publish([an_account("a"), an_account("b")])

    assert {account.account_id async for account in changes.last_seen(VendorAccountObserved)} == {"a", "b"}
    existing = await changes.existing(VendorAccountObserved, [an_account("b"), an_account("c")])
    assert list(existing) == [an_account("b").key]


@given(readings=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 6), st.booleans()), max_size=12))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_readings_and_crashes_come_the_last_record_is_the_newest_reading(
    mongo: Mongo, readings: list[tuple[str, int, bool]]
) -> None:
    for name in ("observations", "work_items"):
        await mongo.documents(name, "demo").remove({})
    publisher = RecordingPublisher()

    for key, revision, fails in readings:
        account = an_account(key, revision=revision, name=f"at {revision}")
        try:
            await a_change_publisher(
                mongo, RecordingPublisher(before=kafka_away) if fails else publisher
            ).publish([account])
        except TransientError:
            continue
    await a_change_publisher(mongo, publisher).republish_dirty()

    last = {m.account_id: m.revision for m in publisher.messages if isinstance(m, VendorAccountObserved)}
    assert last == {key: max(r for k, r, _ in readings if k == key) for key, _, _ in readings}
