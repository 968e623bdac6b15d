import asyncio
import time
from typing import Any

import pytest

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import TransientError
from shared.kafka import Publisher


class FakeProducer:
    """Takes each message at once, as Kafka's client does while it has room, after a stop of the process."""

    def __init__(self, *, pause_seconds: float = 0.0) -> None:
        self.keys: list[bytes] = []
        self._pause_seconds = pause_seconds

    async def publish(self, *_: Any, **more: Any) -> asyncio.Future[None]:
        self.keys.append(more["key"])
        time.sleep(self._pause_seconds)  # noqa: ASYNC251  the loop must not go on, as after SIGSTOP
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


def commands(count: int) -> list[SyncVendor]:
    return [
        SyncVendor(tenant_id="t", integration_id=f"i{n}", sync_id="s", kind="full", asked_by="ann")
        for n in range(count)
    ]


async def test_messages_are_handed_over_in_their_order() -> None:
    producer = FakeProducer()

    await Publisher(producer, "billing").publish(commands(3))

    assert producer.keys == [b"t:i0", b"t:i1", b"t:i2"]


async def test_nothing_is_handed_over_past_the_deadline() -> None:
    producer, now = FakeProducer(), asyncio.get_running_loop().time()

    with pytest.raises(TransientError):
        await Publisher(producer, "billing").publish(commands(3), deadline=now)

    assert producer.keys == []


async def test_a_process_that_was_paused_while_handing_over_hands_over_no_more() -> None:
    producer, now = FakeProducer(pause_seconds=0.3), asyncio.get_running_loop().time()

    with pytest.raises(TransientError):
        await Publisher(producer, "billing").publish(commands(3), deadline=now + 0.2)

    assert producer.keys == [b"t:i0"]
