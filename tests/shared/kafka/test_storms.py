"""Bad messages in numbers and of every kind: each becomes a dead letter, and the good ones are handled."""

from typing import ClassVar

import pytest
from faststream.kafka import TestKafkaBroker
from pydantic import field_validator
from recording_handler import RecordingHandler, a_broker, a_command, body_of, sent, sent_together

from shared.contracts.vendor_sync import SyncVendor
from shared.runtime.health import Health


async def test_however_many_bad_messages_come_in_a_row_the_good_ones_behind_them_are_handled() -> None:
    handler, health = RecordingHandler(), Health("vendor-sync")

    async with TestKafkaBroker(a_broker(handler, health)) as broker:
        for _ in range(60):
            await sent(broker, b"junk")
        assert health.degraded() == {}
        for _ in range(140):
            await sent(broker, b"junk")
        await sent(broker, body_of(a_command("behind them")))

    assert len(handler.dead_letters) == 200
    assert handler.ids == ["behind them"]
    assert await health.unready() == []
    assert health.degraded().keys() == {f"vendor-sync.{SyncVendor.topic}"}


@pytest.mark.parametrize(("bad", "calls"), [((250,), 30), ((0, 499), 60), (tuple(range(500)), 600)])
async def test_few_bad_messages_of_a_batch_are_found_with_few_calls(bad: tuple[int, ...], calls: int) -> None:
    handler = RecordingHandler()
    ids = [f"poison {n}" if n in bad else str(n) for n in range(500)]

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent_together(broker, [body_of(a_command(id_)) for id_ in ids])

    assert handler.ids == [id_ for id_ in ids if not id_.startswith("poison")]
    assert [headers["x-origin"] for _, headers in handler.dead_letters] == [
        f"{SyncVendor.topic}:0:{n}" for n in bad
    ]
    assert handler.calls <= calls


HOSTILE = {
    "deep": b"[" * 10_000,
    "deep objects": b'{"a":' * 100_000,
    "half a surrogate pair": b'{"tenant_id": "\\ud800"}',
    "an integer of 5,000 digits": b'{"revision": ' + b"9" * 5_000 + b"}",
    "a number beyond all numbers": b'{"tenant_id": 1E+9999999}',
    "no number": b'{"tenant_id": NaN}',
    "a hundred thousand faults": b"[" + b"{}," * 100_000 + b"{}]",
    "a megabyte of nothing": b"\0" * 1_000_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_whatever_the_bytes_are_a_message_is_set_aside_and_the_next_one_handled(body: bytes) -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler)) as broker:
        await sent(broker, body)
        await sent(broker, body_of(a_command("next")))

    assert [letter for letter, _ in handler.dead_letters] == [body]
    assert handler.ids == ["next"]


class Explosive(SyncVendor):
    """A contract with a bug of ours: reading some messages raises what no parser is expected to raise."""

    topic: ClassVar[str] = SyncVendor.topic

    @field_validator("sync_id")
    @classmethod
    def _explode(cls, value: str) -> str:
        if value == "boom":
            raise IndexError("list index out of range")
        return value


async def test_anything_that_decoding_raises_rejects_just_that_message() -> None:
    handler = RecordingHandler()

    async with TestKafkaBroker(a_broker(handler, model=Explosive)) as broker:
        await sent(broker, body_of(a_command("boom")))
        await sent(broker, body_of(a_command("next")))

    assert [headers["x-error"].split(":")[0] for _, headers in handler.dead_letters] == ["IndexError"]
    assert handler.ids == ["next"]
