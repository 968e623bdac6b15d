import pytest
from run_env import NOW, RecordingPublisher, a_change_publisher, a_request, an_account, kafka_away

from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.sync_engine.models import run_of
from shared.sync_engine.publication_counts import published_since


async def test_published_keys_are_those_a_reader_holds_since_the_run_began(mongo: Mongo) -> None:
    changes = a_change_publisher(mongo, RecordingPublisher())
    await changes.publish([an_account("before", revision=1)])
    await changes.publish([an_account("a", revision=5), an_account("b", revision=5)])
    await changes.publish([an_account("b", revision=6, name="twice")])
    await changes.publish([an_account("before", revision=7)])

    run = run_of(a_request(), NOW).model_copy(update={"first_revision": 2})
    topics = [VendorAccountObserved.topic, "another"]

    assert await published_since(mongo, run, topics) == {VendorAccountObserved.topic: 2, "another": 0}


async def test_what_may_not_have_arrived_counts_as_what_was_published_before_it(mongo: Mongo) -> None:
    changes, failing = (
        a_change_publisher(mongo, RecordingPublisher()),
        a_change_publisher(mongo, RecordingPublisher(before=kafka_away)),
    )
    await changes.publish([an_account("a", revision=5), an_account("b", revision=1)])
    for lost in (an_account("a", revision=6, name="x"), an_account("b", revision=6, name="x")):
        with pytest.raises(TransientError):
            await failing.publish([lost])
    with pytest.raises(TransientError):
        await failing.publish([an_account("c", revision=6)])
    run = run_of(a_request(), NOW).model_copy(update={"first_revision": 2})

    before = await published_since(mongo, run, [VendorAccountObserved.topic])
    await changes.republish_dirty()

    assert before == {VendorAccountObserved.topic: 1}
    assert await published_since(mongo, run, [VendorAccountObserved.topic]) == {
        VendorAccountObserved.topic: 3
    }
