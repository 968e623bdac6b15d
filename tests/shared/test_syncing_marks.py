"""What is known to be on its way, when it may not have arrived."""

import pytest
from syncing import NOW, Published, a_request, an_account, an_observer, never

from shared.contracts import Message
from shared.contracts.vendor_sync import AccountObserved
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.syncing.marks import Mark, Marks
from shared.syncing.models import run_of
from shared.syncing.observing import published_since


async def test_a_record_that_arrives_long_after_it_was_given_up_is_outlived(mongo: Mongo) -> None:
    kafka, late = Published(), list[Message]()

    async def lost(batch: list[Message]) -> None:
        late.extend(batch)
        raise TransientError("Kafka does not answer")

    with pytest.raises(TransientError):
        await an_observer(mongo, Published(before=lost)).publish([an_account(revision=1)])
    await an_observer(mongo, kafka).publish([an_account(revision=2, name="newer")])
    kafka.messages += late

    assert await an_observer(mongo, kafka).republish_dirty() == 1
    assert kafka.messages[-1] == an_account(revision=2, name="newer")
    assert await an_observer(mongo, kafka).republish_dirty() == 0


async def test_what_may_not_have_arrived_counts_as_what_was_published_before_it(mongo: Mongo) -> None:
    observer, failing = an_observer(mongo, Published()), an_observer(mongo, Published(before=never))
    await observer.publish([an_account("a", revision=5), an_account("b", revision=1)])
    for lost in (an_account("a", revision=6, name="x"), an_account("b", revision=6, name="x")):
        with pytest.raises(TransientError):
            await failing.publish([lost])
    with pytest.raises(TransientError):
        await failing.publish([an_account("c", revision=6)])
    run = run_of(a_request(), NOW).model_copy(update={"first_revision": 2})

    before = await published_since(mongo, run, [AccountObserved.topic])
    await observer.republish_dirty()

    assert before == {AccountObserved.topic: 1}
    assert await published_since(mongo, run, [AccountObserved.topic]) == {AccountObserved.topic: 3}


async def test_a_mark_stays_while_its_rows_may_yet_be_written(mongo: Mongo) -> None:
    """Another writer of the integration was stopped between its mark and its rows."""
    kafka, marks = Published(), Marks(mongo, "demo", "int_1")
    account = an_account(revision=3)
    mark = Mark.of({f"{account.topic}#{account.key}": account.revision})
    await marks.keep(mark)

    assert await an_observer(mongo, kafka).republish_dirty() == 0
    assert await marks.all() == [mark]

    await an_observer(mongo, kafka).publish([account])

    assert await an_observer(mongo, kafka).republish_dirty() == 1
    assert await marks.all() == []


async def test_a_mark_says_nothing_of_what_was_published_before_it(mongo: Mongo) -> None:
    observer, account = an_observer(mongo, Published()), an_account(revision=2)
    await observer.publish([account])
    await Marks(mongo, "demo", "int_1").keep(Mark.of({f"{account.topic}#{account.key}": 3}))
    run = run_of(a_request(), NOW).model_copy(update={"first_revision": 1})

    assert await published_since(mongo, run, [AccountObserved.topic]) == {AccountObserved.topic: 1}
    assert await observer.publish([an_account(revision=3)]) == []
