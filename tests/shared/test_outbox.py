import asyncio
import json
from collections.abc import Sequence

import pytest
from interleaving import InterleavedMongo
from pymongo.errors import DuplicateKeyError

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import TransientError
from shared.kafka import Envelope
from shared.mongo import Mongo, Session
from shared.outbox import Outbox, Relay
from shared.runtime.settings import MongoSettings


class RecordingSender:
    """Records what it is given to send; `breaks_after` so many envelopes it fails, once."""

    def __init__(self, *, breaks_after: int | None = None) -> None:
        self.sent: list[Envelope] = []
        self.batches: list[int] = []
        """How many bytes each call had."""
        self._breaks_after = breaks_after

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None:
        assert deadline is not None
        self.batches.append(sum(len(envelope.body) for envelope in envelopes))
        self.sent += envelopes[: self._breaks_after]
        if self._breaks_after is not None:
            self._breaks_after = None
            raise TransientError("the line was cut")


def a_command(sync_id: str) -> SyncVendor:
    return SyncVendor(tenant_id="t", integration_id="i", sync_id=sync_id, kind="full", asked_by="ann")


async def saved(mongo: Mongo, outbox: Outbox, *sync_ids: str, fails: bool = False) -> None:
    async def work(session: Session) -> None:
        await mongo.documents("states", "t").insert({"_id": sync_ids[0]}, session=session)
        await outbox.add([a_command(sync_id) for sync_id in sync_ids], session=session)
        if fails:
            raise ValueError("the transaction is given up")

    await mongo.transaction(work)


def sent_ids(sender: RecordingSender) -> list[str]:
    return [SyncVendor.model_validate_json(envelope.body).sync_id for envelope in sender.sent]


async def test_what_is_saved_is_sent_in_order_and_once(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    relay = Relay(mongo, sender, outbox)
    await saved(mongo, outbox, "1", "2", "3")
    await saved(mongo, outbox, "4")

    await relay.step()
    await relay.step()

    assert sent_ids(sender) == ["1", "2", "3", "4"]


async def test_of_two_transactions_about_one_thing_the_one_committed_first_is_sent_first(
    mongo: Mongo, mongo_settings: MongoSettings
) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    another = Mongo(mongo_settings)  # of another replica
    added, may_commit = asyncio.Event(), asyncio.Event()

    async def slow(session: Session) -> None:
        await outbox.add([a_command("first")], session=session)
        added.set()
        await may_commit.wait()

    async def quick(session: Session) -> None:
        await Outbox(another, "billing").add([a_command("second")], session=session)

    committing = asyncio.create_task(mongo.transaction(slow))
    await added.wait()
    overtaking = asyncio.create_task(another.transaction(quick))
    await asyncio.wait([overtaking], timeout=0.3)
    assert not overtaking.done()
    may_commit.set()
    await asyncio.gather(committing, overtaking)

    await Relay(mongo, sender, outbox).step()

    assert sent_ids(sender) == ["first", "second"]
    await another.close()


async def test_what_many_replicas_save_first_for_a_new_tenant_is_all_sent_and_in_one_order(
    mongo: Mongo,
) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")

    await asyncio.gather(*(saved(mongo, outbox, str(n)) for n in range(12)))
    await Relay(mongo, sender, outbox).step()

    assert {*sent_ids(sender)} == {str(n) for n in range(12)}


async def test_a_tenants_first_messages_of_two_replicas_at_the_same_moment_are_both_saved(
    mongo: Mongo,
) -> None:
    async def inserted_by_another() -> None:
        raise DuplicateKeyError("E11000 duplicate key error collection: outbox_counters", 11000)

    store = InterleavedMongo(mongo, "outbox_counters.find_one_and_update", inserted_by_another)
    sender, outbox = RecordingSender(), Outbox(store, "billing")

    await saved(store, outbox, "1", "2")
    await Relay(store, sender, outbox).step()

    assert sent_ids(sender) == ["1", "2"]


async def test_after_a_clock_was_set_back_messages_leave_in_the_order_of_their_commits(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    await saved(mongo, outbox, "1")
    year_2100 = 4_102_444_800 * 10**9
    await mongo.all_tenants("outbox").change_many({}, {"$set": {"seq": year_2100}})
    await mongo.all_tenants("outbox_counters").change_many({}, {"$set": {"seq": year_2100}})
    await saved(mongo, outbox, "2")
    await saved(mongo, outbox, "3", "4")

    await Relay(mongo, sender, outbox).step()

    assert sent_ids(sender) == ["1", "2", "3", "4"]


async def test_what_an_older_release_left_in_the_outbox_is_sent_first(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    await saved(mongo, outbox, "older")
    await mongo.all_tenants("outbox").change_many(
        {}, {"$unset": {"counted": 1}, "$set": {"seq": 4_102_444_800 * 10**9}}
    )
    await saved(mongo, outbox, "newer")

    await Relay(mongo, sender, outbox).step()

    assert sent_ids(sender) == ["older", "newer"]


async def test_messages_of_megabytes_are_sent_in_batches_that_fit_in_memory(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    relay = Relay(mongo, sender, outbox)
    await saved(mongo, outbox, *map(str, range(12)))
    body = json.dumps({"padding": "x" * 3_000_000}).encode()
    await mongo.all_tenants("outbox").change_many({}, {"$set": {"body": body}})

    while await relay.step():
        pass

    assert len(sender.sent) == 12
    assert max(sender.batches) < 12_000_000


async def test_a_transaction_that_is_given_up_sends_nothing(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(), Outbox(mongo, "billing")
    with pytest.raises(ValueError, match="given up"):
        await saved(mongo, outbox, "1", fails=True)

    await Relay(mongo, sender, outbox).step()

    assert sender.sent == []


async def test_after_a_cut_all_is_sent_again_under_the_same_id(mongo: Mongo) -> None:
    sender, outbox = RecordingSender(breaks_after=1), Outbox(mongo, "billing")
    relay = Relay(mongo, sender, outbox)
    await saved(mongo, outbox, "1", "2")

    with pytest.raises(TransientError):
        await relay.step()
    await relay.step()

    assert sent_ids(sender) == ["1", "1", "2"]
    assert sender.sent[0].headers["ce_id"] == sender.sent[1].headers["ce_id"]


async def test_only_one_relay_sends_at_a_time(mongo: Mongo) -> None:
    first, second, outbox = RecordingSender(), RecordingSender(), Outbox(mongo, "billing")
    leader, other = Relay(mongo, first, outbox), Relay(mongo, second, outbox)
    await saved(mongo, outbox, "1")
    await leader.step()
    await saved(mongo, outbox, "2")

    await other.step()
    assert second.sent == []

    await leader.release()
    await other.step()
    assert sent_ids(second) == ["2"]


async def test_a_relay_that_takes_over_does_not_repeat_what_was_sent_meanwhile(
    mongo: Mongo,
) -> None:
    before, after, outbox = RecordingSender(), RecordingSender(), Outbox(mongo, "billing")
    leader = Relay(mongo, before, outbox)

    async def sent_and_released() -> None:
        await leader.step()
        await leader.release()

    store = InterleavedMongo(mongo, "leases.find_one_and_update", sent_and_released)
    await saved(mongo, outbox, "1")

    await Relay(store, after, outbox).step()

    assert (sent_ids(before), sent_ids(after)) == (["1"], [])
