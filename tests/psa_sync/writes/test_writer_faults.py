import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from connectwise import RecordingServer
from psa import FakePsa
from writes import EIGHT, LINE, NOW, TEN, WriteHarness, a_write, only_message

from psa_sync.connectors.connectwise.connector import ConnectWiseConnector
from psa_sync.writes.decide import MAX_SENDS
from psa_sync.writes.intent import WriteStage
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.sync_engine.models import IntegrationState

EFFECT = ("901", TEN)
STEPS = [f"{when} {step}" for step in ("sending", "sent", "finish") for when in ("before", "after")]


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_any_step_leaves_one_write_and_one_result(
    harness: WriteHarness, step: str
) -> None:
    harness.intents.kill_at = step

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert harness.kills == 1
    assert harness.psa.applied == [EFFECT]
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)


@pytest.mark.parametrize(("fault", "sends"), [("killed-before", 2), ("killed-after", 1)])
async def test_a_worker_killed_while_sending_leaves_one_effect(
    harness: WriteHarness, fault: str, sends: int
) -> None:
    harness.psa.write_faults = [fault]

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (len(harness.psa.sent), harness.psa.applied) == (sends, [EFFECT])
    assert written.sent


@pytest.mark.parametrize(("fault", "sends"), [("cut-before", 2), ("cut-after", 1)])
async def test_a_cut_connection_is_looked_into_before_anything_is_sent_again(
    harness: WriteHarness, fault: str, sends: int
) -> None:
    harness.psa.write_faults = [fault]

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert harness.psa.calls[:4] == ["line 901", "reread 901", "write 901", "line 901"]
    assert (len(harness.psa.sent), harness.psa.applied) == (sends, [EFFECT])
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)


async def test_a_psa_that_never_answers_a_write_leaves_its_outcome_unknown(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["cut-before"] * 20

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert len(harness.psa.sent) == MAX_SENDS
    assert (refused.reason, refused.current) == (WriteRefusal.UNKNOWN_OUTCOME, EIGHT)


async def test_a_write_that_cannot_be_read_back_is_handed_to_a_person_after_a_day(
    harness: WriteHarness,
) -> None:
    harness.psa.read_faults = [None, *[TransientError("503")] * 5000]
    harness.psa.write_faults = ["cut-after"]

    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    await harness.work_once()
    harness.now += timedelta(hours=25, minutes=1)
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.current) == (WriteRefusal.UNKNOWN_OUTCOME, None)
    assert len(harness.psa.sent) == 1


async def test_an_answer_without_effect_is_looked_at_twice_and_refused(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["false-200"]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert harness.psa.calls == ["line 901", "reread 901", "write 901", "line 901", "line 901"]
    assert (refused.reason, refused.current, refused.request_ids) == (
        WriteRefusal.REJECTED,
        EIGHT,
        ("request-1",),
    )


async def test_a_throttled_write_waits_as_long_as_the_psa_asks(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["throttled"]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    await harness.work_once()
    harness.now = NOW + timedelta(seconds=29)
    await harness.work_once()

    assert len(harness.psa.sent) == 1
    harness.now = NOW + timedelta(seconds=30)
    await harness.work_until_done()
    assert harness.psa.applied == [EFFECT]


async def test_a_psa_that_asks_for_a_day_has_the_write_postponed_and_holds_no_worker(mongo: Mongo) -> None:
    a_day = httpx.Response(429, headers={"Retry-After": "86400"})
    server = RecordingServer(lambda _: a_day)

    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[ConnectWiseConnector]:
        yield server.psa

    harness = WriteHarness(mongo, connect=connect)
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    async with asyncio.timeout(30):
        await harness.work_once()

    intent = await harness.writes.next_unfinished(LINE)
    assert intent is not None
    # No longer than the command is valid: then it ends as expired.
    assert intent.stage is WriteStage.WAITING
    assert intent.due_at == a_write().valid_until + timedelta(milliseconds=1)
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["busy", "missing"])
async def test_a_record_in_use_is_tried_once_more(harness: WriteHarness, fault: str) -> None:
    harness.psa.write_faults = [fault]

    only_message(await harness.write(a_write()), QuantityWritten)

    one_try = ["line 901", "reread 901", "write 901"]
    assert harness.psa.calls == [*one_try, *one_try, "line 901"]


async def test_a_record_that_stays_in_use_is_refused(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["busy"] * 5

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, len(harness.psa.sent)) == (WriteRefusal.REJECTED, EIGHT, 2)


async def test_a_write_that_the_psa_refuses_carries_its_words(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["refused"]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert refused.reason is WriteRefusal.REJECTED
    assert "quantity is invalid" in refused.detail


async def test_credentials_that_may_read_but_not_write_are_reported(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["locked-out"]

    rejected, refused = await harness.write(a_write())

    assert isinstance(refused, QuantityRefused)
    assert refused.reason is WriteRefusal.REJECTED
    assert isinstance(rejected, PsaCredentialsRejected)


def once_at(call: str, quantity: str) -> Callable[[FakePsa, str], None]:
    """Sets line 901 right before the named call, once, as somebody does in the PSA."""
    waiting = [call]

    def set_line_once(psa: FakePsa, name: str) -> None:
        if waiting and name == waiting[0] and (name.startswith("write") or psa.sent):
            waiting.clear()
            psa.set_line("901", quantity)

    return set_line_once


async def test_a_change_between_the_last_look_and_the_write_is_overwritten(harness: WriteHarness) -> None:
    harness.psa.before_call = once_at("write 901", "9")

    only_message(await harness.write(a_write()), QuantityWritten)

    assert harness.psa.held_lines["901"].quantity == 10


@pytest.mark.parametrize("fault", ["works", "cut-after", "cut-before", "killed-after"])
async def test_a_change_after_writing_is_a_conflict_and_published_as_it_is(
    harness: WriteHarness, fault: str
) -> None:
    harness.psa.write_faults, harness.psa.before_call = [fault], once_at("line 901", "9")

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.CONFLICT, Decimal(9))
    assert harness.psa.held_lines["901"].quantity == 9
    assert harness.observed_quantities()[-1] == 9


async def test_a_worker_whose_lease_ended_sends_nothing(harness: WriteHarness) -> None:
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    await harness.work_beyond_the_lease()

    assert harness.psa.sent == []
    await harness.work_until_done()
    assert harness.psa.applied == [EFFECT]


async def test_a_reading_that_kafka_did_not_take_is_published_before_the_result(
    harness: WriteHarness,
) -> None:
    outages = [TransientError("Kafka does not answer")] * 2

    async def failing(_: object) -> None:
        if outages and harness.psa.sent:
            raise outages.pop()

    harness.publisher.before = failing
    only_message(await harness.write(a_write()), QuantityWritten)

    assert harness.observed_quantities()[-1] == 10
    assert harness.psa.applied == [EFFECT]
