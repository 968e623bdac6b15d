import asyncio
import time
from typing import Any

import pytest
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTopicError,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from clocks import MonotonicClock

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import PermanentError, TransientError
from shared.kafka import Envelope, Publisher
from shared.runtime.clock import monotonic_seconds


class FakeProducer:
    """Takes each message at once, as Kafka's client does while it has room."""

    def __init__(self, *, paused_until: float = 0.0) -> None:
        """The process stands still until that moment of its clock, once it has taken a message."""
        self.keys: list[bytes] = []
        self._paused_until = paused_until

    async def publish(self, *_: Any, **more: Any) -> asyncio.Future[None]:
        self.keys.append(more["key"])
        loop = asyncio.get_running_loop()
        while monotonic_seconds() < self._paused_until:
            time.sleep(0.01)  # noqa: ASYNC251  the loop must not go on, as after SIGSTOP
        acknowledged = loop.create_future()
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
    producer, now = FakeProducer(), monotonic_seconds()

    with pytest.raises(TransientError):
        await Publisher(producer, "billing").publish(commands(3), deadline=now)

    assert producer.keys == []


async def test_a_process_that_was_paused_while_handing_over_hands_over_no_more() -> None:
    deadline = monotonic_seconds() + 1
    producer = FakeProducer(paused_until=deadline)

    with pytest.raises(TransientError):
        await Publisher(producer, "billing").publish(commands(3), deadline=deadline)

    assert producer.keys == [b"t:i0"]


class SuspendingProducer(FakeProducer):
    """Takes a message, upon which the machine sleeps for a minute, and the loop's clock with it."""

    def __init__(self, clock: MonotonicClock) -> None:
        super().__init__()
        self._clock = clock

    async def publish(self, *_: Any, **more: Any) -> asyncio.Future[None]:
        self._clock.seconds += 60
        return await super().publish(**more)


async def test_a_machine_that_was_suspended_while_handing_over_hands_over_no_more() -> None:
    clock = MonotonicClock()
    producer = SuspendingProducer(clock)

    with pytest.raises(TransientError):
        await Publisher(producer, "billing", monotonic=clock).publish(commands(3), deadline=clock() + 30)

    assert producer.keys == [b"t:i0"]


class RefusingProducer(FakeProducer):
    """Refuses each message as Kafka's client does, with the given error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def publish(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MessageSizeTooLargeError(), PermanentError),
        (CorruptRecordException(), PermanentError),
        (InvalidTopicError(), PermanentError),
        (TopicAuthorizationFailedError(), TransientError),
        (UnknownTopicOrPartitionError(), TransientError),
        (KafkaConnectionError(), TransientError),
    ],
    ids=lambda case: getattr(case, "__name__", type(case).__name__),
)
async def test_only_what_trying_again_cannot_help_is_refused_for_good(
    error: Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await Publisher(RefusingProducer(error), "billing").publish(commands(1))


async def test_a_key_that_has_no_utf8_is_refused_for_good_and_quoted_shortly() -> None:
    envelope = Envelope("topic", "t:\ud83d" + "x" * 3_000_000, b"{}", {})

    with pytest.raises(PermanentError) as refusal:
        await Publisher(FakeProducer(), "billing").send([envelope])

    assert len(str(refusal.value)) <= 500
