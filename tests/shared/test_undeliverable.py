"""What Kafka will never take, on a real document store and before a sender that is as choosy as Kafka."""

from collections.abc import Sequence

import pytest
from interleaving import InterleavedMongo

from shared.contracts import Message
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.vendor_sync import SyncVendor
from shared.errors import Conflict, NotFound, PermanentError
from shared.kafka import Envelope
from shared.mongo import Mongo, Session
from shared.outbox import Outbox, Relay
from shared.undeliverable import UndeliverableMessages

POISON = "2" * 200


class ChoosySender:
    """Records what it is given to send; like Kafka it never takes a body over a limit."""

    def __init__(self, limit_bytes: int = 200) -> None:
        self.sent: list[Envelope] = []
        self._limit_bytes = limit_bytes

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None:
        assert deadline is not None
        for envelope in envelopes:
            if len(envelope.body) > self._limit_bytes:
                raise PermanentError(f"{len(envelope.body)} bytes are more than Kafka takes")
            self.sent.append(envelope)


def a_command(sync_id: str) -> SyncVendor:
    return SyncVendor(tenant_id="t", integration_id="i", sync_id=sync_id, kind="full", asked_by="ann")


async def save(mongo: Mongo, outbox: Outbox, *sync_ids: str) -> None:
    async def work(session: Session) -> None:
        await outbox.add([a_command(sync_id) for sync_id in sync_ids], session=session)

    await mongo.transaction(work)


def sent_of(sender: ChoosySender) -> list[str]:
    return [SyncVendor.model_validate_json(envelope.body).sync_id for envelope in sender.sent]


async def test_a_message_that_kafka_never_takes_is_set_aside_and_holds_up_no_other(mongo: Mongo) -> None:
    sender, outbox = ChoosySender(), Outbox(mongo, "billing")
    relay = Relay(mongo, sender, outbox)
    await save(mongo, outbox, "1", POISON, "3")

    await relay.step()
    await relay.step()

    (letter,) = await UndeliverableMessages(mongo).list()
    assert {envelope.headers["ce_id"] for envelope in sender.sent} & {letter.id} == set()
    assert list(dict.fromkeys(sent_of(sender))) == ["1", "3"]
    assert letter.topic == "vendor-sync.sync-vendor.v1"
    assert letter.reason == f"{letter.size_bytes} bytes are more than Kafka takes"
    assert relay.degradation() == (
        "messages set aside that Kafka will never take: 1; see python -m billing outbox list"
    )


async def test_a_handler_ends_what_waits_for_the_message_and_its_replacement_is_sent(mongo: Mongo) -> None:
    sender, outbox = ChoosySender(), Outbox(mongo, "billing")
    relay, told = Relay(mongo, sender, outbox), list[tuple[str, str]]()

    async def replace(message: Message, why: str) -> Sequence[Message]:
        assert isinstance(message, SyncVendor)
        told.append((message.sync_id, why))
        return [a_command("short")]

    relay.undeliverable_handlers.append(replace)
    await save(mongo, outbox, POISON)
    await relay.step()
    await relay.step()

    (letter,) = await UndeliverableMessages(mongo).list()
    assert told == [(POISON, f"{letter.size_bytes} bytes are more than Kafka takes")]
    assert sent_of(sender) == ["short"]
    assert letter.ended


async def test_a_replacement_that_is_refused_too_is_set_aside_and_not_replaced_again(mongo: Mongo) -> None:
    outbox = Outbox(mongo, "billing")
    relay = Relay(mongo, ChoosySender(), outbox)

    async def replace(_: Message, __: str) -> Sequence[Message]:
        return [a_command("3" * 200)]

    relay.undeliverable_handlers.append(replace)
    await save(mongo, outbox, POISON)
    for _ in range(3):
        await relay.step()

    assert [letter.ended for letter in await UndeliverableMessages(mongo).list()] == [False, True]


async def test_a_crash_before_a_message_is_set_aside_ends_what_waits_once_more_and_loses_nothing(
    mongo: Mongo,
) -> None:
    outbox, handled = Outbox(mongo, "billing"), list[str]()

    async def note(message: Message, _: str) -> Sequence[Message] | None:
        handled.append(message.topic)
        return None

    async def killed() -> None:
        raise KeyboardInterrupt

    store = InterleavedMongo(mongo, "undeliverable.bulk_write", killed)
    await save(mongo, outbox, "1", POISON, "3")
    dying, successor = Relay(store, ChoosySender(), outbox), Relay(mongo, sender := ChoosySender(), outbox)
    for relay in (dying, successor):
        relay.undeliverable_handlers.append(note)
    with pytest.raises(KeyboardInterrupt):
        await dying.step()
    await dying.release()
    await successor.step()

    assert len(handled) == 2
    assert sent_of(sender)[-1] == "3"
    assert len(await UndeliverableMessages(mongo).list()) == 1


async def test_an_operator_sends_again_what_kafka_now_takes_or_discards_it(mongo: Mongo) -> None:
    outbox, letters = Outbox(mongo, "billing"), UndeliverableMessages(mongo)
    strict = Relay(mongo, ChoosySender(), outbox)
    await save(mongo, outbox, POISON, "3" * 200)
    await strict.step()
    await strict.release()
    third, second = await letters.list()

    await letters.send_again(second.id)
    await letters.discard(third.id)
    await Relay(mongo, sender := ChoosySender(limit_bytes=1000), outbox).step()

    assert sent_of(sender) == [POISON]
    assert await letters.list() == []
    with pytest.raises(NotFound, match="no message"):
        await letters.discard(second.id)


async def test_what_has_ended_without_a_message_cannot_be_reversed_by_sending_it(mongo: Mongo) -> None:
    outbox, letters = Outbox(mongo, "billing"), UndeliverableMessages(mongo)
    relay = Relay(mongo, ChoosySender(), outbox)

    async def replace(_: Message, __: str) -> Sequence[Message]:
        return [a_command("short")]

    relay.undeliverable_handlers.append(replace)
    await save(mongo, outbox, POISON)
    await relay.step()

    (letter,) = await letters.list()
    with pytest.raises(Conflict, match="has ended without it"):
        await letters.send_again(letter.id)


async def test_a_handler_that_fails_holds_up_no_other_message(mongo: Mongo) -> None:
    sender, outbox = ChoosySender(), Outbox(mongo, "billing")
    relay = Relay(mongo, sender, outbox)

    async def fail(_: Message, __: str) -> Sequence[Message]:
        raise NotFound("no such approval")

    relay.undeliverable_handlers.append(fail)
    await save(mongo, outbox, POISON, "3")
    await relay.step()

    (letter,) = await UndeliverableMessages(mongo).list()
    assert sent_of(sender) == ["3"]
    assert not letter.ended


async def test_what_ended_without_a_message_in_its_place_is_not_sent_again_either(mongo: Mongo) -> None:
    outbox, letters = Outbox(mongo, "billing"), UndeliverableMessages(mongo)
    relay = Relay(mongo, ChoosySender(), outbox)

    async def close_the_approval(_: Message, __: str) -> Sequence[Message]:
        return []

    relay.undeliverable_handlers.append(close_the_approval)
    await save(mongo, outbox, POISON)
    await relay.step()

    (letter,) = await letters.list()
    with pytest.raises(Conflict, match="has ended without it"):
        await letters.send_again(letter.id)


async def test_a_state_is_never_sent_again_behind_a_newer_one(mongo: Mongo) -> None:
    outbox, letters = Outbox(mongo, "auth"), UndeliverableMessages(mongo)
    state = IntegrationChanged(
        tenant_id="t",
        integration_id="i",
        side=Side.PSA,
        provider="connectwise",
        realm="r" * 200,
        name="A",
        generation=1,
        status=IntegrationStatus.ACTIVE,
        revision=5,
    )

    async def work(session: Session) -> None:
        await outbox.add([state], session=session)

    await mongo.transaction(work)
    await Relay(mongo, ChoosySender(), outbox).step()

    (letter,) = await letters.list()
    with pytest.raises(Conflict, match="may have changed since"):
        await letters.send_again(letter.id)
