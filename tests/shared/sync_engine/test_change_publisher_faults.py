"""What was stored and may not have arrived: it stays dirty, and is published again."""

import pytest
from interleaving import InterleavedMongo
from run_env import RecordingPublisher, a_change_publisher, an_account, kafka_away

from shared.contracts import Message
from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import PermanentError, TransientError
from shared.mongo import Mongo
from shared.sync_engine.change_publisher import dirty_queue


async def test_a_record_that_arrives_long_after_it_was_given_up_is_outlived(mongo: Mongo) -> None:
    publisher, late = RecordingPublisher(), list[Message]()

    async def lost(batch: list[Message]) -> None:
        late.extend(batch)
        raise TransientError("Kafka does not answer")

    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=lost)).publish([an_account(revision=1)])
    await a_change_publisher(mongo, publisher).publish([an_account(revision=2, name="newer")])
    publisher.messages += late

    assert await a_change_publisher(mongo, publisher).republish_dirty() == 1
    assert publisher.messages[-1] == an_account(revision=2, name="newer")
    assert await a_change_publisher(mongo, publisher).republish_dirty() == 0


async def test_a_worker_that_dies_before_its_rows_are_stored_leaves_nothing_dirty(
    mongo: Mongo,
) -> None:
    async def killed() -> None:
        raise TransientError("the process was killed")

    store = InterleavedMongo(mongo, "observations.bulk_write", killed)
    with pytest.raises(TransientError):
        await a_change_publisher(store, RecordingPublisher()).publish([an_account()])

    assert await dirty_queue(store).lane("demo", "int_1") == []


async def test_a_change_that_was_taken_back_before_it_was_published_leaves_nothing_dirty(
    mongo: Mongo,
) -> None:
    publisher, changes = RecordingPublisher(), a_change_publisher(mongo, RecordingPublisher())
    await changes.publish([an_account(revision=1)])
    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=kafka_away)).publish(
            [an_account(revision=2, name="changed")]
        )

    again = a_change_publisher(mongo, publisher)
    assert await again.publish([an_account(revision=3)]) == [an_account(revision=3)]
    assert await again.republish_dirty() == 1

    assert publisher.messages[-1] == an_account(revision=3)
    assert await dirty_queue(mongo).lane("demo", "int_1") == []


async def test_what_kafka_never_takes_holds_up_nothing_else_and_stays_dirty(mongo: Mongo) -> None:
    async def refuse_huge(batch: list[Message]) -> None:
        if any(
            isinstance(message, VendorAccountObserved) and message.account_id == "huge" for message in batch
        ):
            raise PermanentError("a message is larger than Kafka takes")

    publisher = RecordingPublisher(before=refuse_huge)
    changes = a_change_publisher(mongo, publisher)
    names = ["a", "b", "huge", "c"]

    published = await changes.publish([an_account(name, revision=2) for name in names])

    assert [message.account_id for message in published] == ["a", "b", "c"]
    assert list(changes.refused) == [f"{VendorAccountObserved.topic}#demo:int_1:huge"]
    (item,) = await dirty_queue(mongo).lane("demo", "int_1")
    assert {*item.keys} == changes.refused.keys()


async def test_a_row_that_this_release_cannot_read_is_named_and_replaced_by_a_new_reading(
    mongo: Mongo,
) -> None:
    row_id = f"{VendorAccountObserved.topic}#demo:int_1:a1"
    with pytest.raises(TransientError):
        await a_change_publisher(mongo, RecordingPublisher(before=kafka_away)).publish(
            [an_account(revision=1)]
        )
    await mongo.all_tenants("observations").change({"_id": row_id}, {"$set": {"body": {"old": "form"}}})

    changes = a_change_publisher(mongo, RecordingPublisher())
    await changes.republish_dirty()
    assert list(changes.refused) == [row_id]

    newer = a_change_publisher(mongo, RecordingPublisher())
    assert await newer.publish([an_account(revision=2)]) == [an_account(revision=2)]
    assert (await newer.republish_dirty(), newer.refused) == (1, {})
