from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from psa import FakePsa
from writes import EIGHT, NOW, TEN, WriteHarness, a_write, the_only

from psa_sync.writes.decide import MAX_SENDS
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused, QuantityWritten, WriteRefusal
from shared.errors import TransientError
from shared.mongo import Mongo

EFFECT = ("901", TEN)
STEPS = [f"{when} {step}" for step in ("sending", "sent", "finish") for when in ("before", "after")]


@pytest.fixture
async def bench(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_killed_at_any_step_leaves_one_write_and_one_result(
    bench: WriteHarness, step: str
) -> None:
    bench.intents.step = step

    written = the_only(await bench.write(a_write()), QuantityWritten)

    assert bench.deaths == 1
    assert bench.psa.applied == [EFFECT]
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)


@pytest.mark.parametrize(("fault", "sends"), [("killed-before", 2), ("killed-after", 1)])
async def test_a_worker_killed_while_sending_leaves_one_effect(
    bench: WriteHarness, fault: str, sends: int
) -> None:
    bench.psa.write_faults = [fault]

    written = the_only(await bench.write(a_write()), QuantityWritten)

    assert (len(bench.psa.sent), bench.psa.applied) == (sends, [EFFECT])
    assert written.sent


@pytest.mark.parametrize(("fault", "sends"), [("cut-before", 2), ("cut-after", 1)])
async def test_a_cut_connection_is_looked_into_before_anything_is_sent_again(
    bench: WriteHarness, fault: str, sends: int
) -> None:
    bench.psa.write_faults = [fault]

    written = the_only(await bench.write(a_write()), QuantityWritten)

    assert bench.psa.calls[:3] == ["line 901", "write 901", "line 901"]
    assert (len(bench.psa.sent), bench.psa.applied) == (sends, [EFFECT])
    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)


async def test_a_psa_that_never_answers_a_write_leaves_its_outcome_unknown(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["cut-before"] * 20

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert len(bench.psa.sent) == MAX_SENDS
    assert (refused.reason, refused.current) == (WriteRefusal.UNKNOWN_OUTCOME, EIGHT)


async def test_a_write_that_cannot_be_read_back_is_handed_to_a_person_after_a_day(
    bench: WriteHarness,
) -> None:
    bench.psa.read_faults = [None, *[TransientError("503")] * 5000]
    bench.psa.write_faults = ["cut-after"]

    await bench.connect()
    await bench.writes.ask([a_write()])
    await bench.once()
    bench.now += timedelta(hours=25, minutes=1)
    await bench.settle()

    refused = the_only(await bench.said(), QuantityRefused)
    assert (refused.reason, refused.current) == (WriteRefusal.UNKNOWN_OUTCOME, None)
    assert len(bench.psa.sent) == 1


async def test_an_answer_without_effect_is_looked_at_twice_and_refused(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["false-200"]

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert bench.psa.calls == ["line 901", "write 901", "line 901", "line 901"]
    assert (refused.reason, refused.current, refused.request_ids) == (
        WriteRefusal.REJECTED,
        EIGHT,
        ("request-1",),
    )


async def test_a_throttled_write_waits_as_long_as_it_is_told(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["throttled"]
    await bench.connect()
    await bench.writes.ask([a_write()])

    await bench.once()
    bench.now = NOW + timedelta(seconds=29)
    await bench.once()

    assert len(bench.psa.sent) == 1
    bench.now = NOW + timedelta(seconds=30)
    await bench.settle()
    assert bench.psa.applied == [EFFECT]


@pytest.mark.parametrize("fault", ["busy", "missing"])
async def test_a_record_in_use_is_tried_once_more(bench: WriteHarness, fault: str) -> None:
    bench.psa.write_faults = [fault]

    the_only(await bench.write(a_write()), QuantityWritten)

    assert bench.psa.calls == ["line 901", "write 901", "line 901", "write 901", "line 901"]


async def test_a_record_that_stays_in_use_is_refused(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["busy"] * 5

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, len(bench.psa.sent)) == (WriteRefusal.REJECTED, EIGHT, 2)


async def test_a_write_that_the_psa_refuses_carries_its_words(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["refused"]

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert refused.reason is WriteRefusal.REJECTED
    assert "quantity is invalid" in refused.detail


async def test_credentials_that_may_read_but_not_write_are_told(bench: WriteHarness) -> None:
    bench.psa.write_faults = ["locked-out"]

    refused, told = await bench.write(a_write())

    assert isinstance(refused, QuantityRefused)
    assert refused.reason is WriteRefusal.REJECTED
    assert isinstance(told, PsaCredentialsRejected)


def once_at(call: str, quantity: str) -> Callable[[FakePsa, str], None]:
    """Somebody sets line 901 right before the named call, once."""
    waiting = [call]

    def meddle(psa: FakePsa, name: str) -> None:
        if waiting and name == waiting[0] and (name.startswith("write") or psa.sent):
            waiting.clear()
            psa.put("901", quantity)

    return meddle


async def test_a_change_between_reading_and_writing_is_overwritten(bench: WriteHarness) -> None:
    bench.psa.meddle = once_at("write 901", "9")

    the_only(await bench.write(a_write()), QuantityWritten)

    assert bench.psa.holds["901"].quantity == 10


@pytest.mark.parametrize("fault", ["works", "cut-after", "cut-before", "killed-after"])
async def test_a_change_after_writing_is_a_conflict_and_told_as_it_is(
    bench: WriteHarness, fault: str
) -> None:
    bench.psa.write_faults, bench.psa.meddle = [fault], once_at("line 901", "9")

    refused = the_only(await bench.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current) == (WriteRefusal.CONFLICT, Decimal(9))
    assert bench.psa.holds["901"].quantity == 9
    assert bench.observed()[-1] == 9


async def test_a_worker_whose_lease_ended_sends_nothing(bench: WriteHarness) -> None:
    await bench.connect()
    await bench.writes.ask([a_write()])

    await bench.overtaken()

    assert bench.psa.sent == []
    await bench.settle()
    assert bench.psa.applied == [EFFECT]


async def test_a_reading_that_kafka_did_not_take_is_told_before_the_result(bench: WriteHarness) -> None:
    outages = [TransientError("Kafka does not answer")] * 2

    async def failing(_: object) -> None:
        if outages and bench.psa.sent:
            raise outages.pop()

    bench.kafka.before = failing
    the_only(await bench.write(a_write()), QuantityWritten)

    assert bench.observed()[-1] == 10
    assert bench.psa.applied == [EFFECT]
