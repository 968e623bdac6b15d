"""Publishing: every message acknowledged, or an error that means *unknown*, never *not sent*."""

# Invariant: messages of one key arrive in the order given, and nothing is handed over after the deadline, by
# a clock that goes on while the machine is suspended, when the loop's own clock may stand still. The
# client has one batch in flight for each partition, so what is handed over in order arrives in order. After a
# time-out messages may still leave the client's buffer: the error says *unknown*.

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from aiokafka.errors import (
    CorruptRecordException,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from shared.contracts import Message
from shared.errors import PermanentError, TransientError
from shared.kafka.envelope import Envelope, envelope_of
from shared.kafka.producer_port import Producer
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds

_NEVER_TAKEN = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    CorruptRecordException,
    InvalidTopicError,
    UnicodeEncodeError,  # a key or a header with half a surrogate pair
)
"""What trying again cannot help; a refusal by access control is not among them: it may be lifted."""

PUBLISH_TIMEOUT = timedelta(seconds=30)
"""For all messages of one call."""
_MAX_IN_FLIGHT = 1000
"""Messages handed over before their acknowledgements are awaited: bounds memory."""
_MOST_QUOTED = 500
"""Characters: what cannot be encoded is quoted whole by its error."""


class Publisher:
    """Sends messages keyed, in the order given for each key; a `deadline` is a moment of `monotonic`."""

    def __init__(
        self, broker: Producer, source: str, *, monotonic: MonotonicSeconds = monotonic_seconds
    ) -> None:
        self._broker, self._source, self._monotonic = broker, source, monotonic

    async def publish(
        self,
        messages: Iterable[Message],
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Publishes all messages by the deadline, or raises as `send` does."""
        envelopes = [envelope_of(m, source=self._source, correlation_id=correlation_id) for m in messages]
        await self.send(envelopes, deadline=deadline)

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None:
        """Sends envelopes as they are: a relay that tries again repeats the same `ce_id`.

        Raises `TransientError` when it is unknown whether all of them arrived, `PermanentError` when Kafka
        will never take one of them (too large, not encodable); others may have arrived then.
        """
        until = self._monotonic() + PUBLISH_TIMEOUT.total_seconds()
        until = until if deadline is None else min(until, deadline)
        for start in range(0, len(envelopes), _MAX_IN_FLIGHT):
            batch = envelopes[start : start + _MAX_IN_FLIGHT]
            try:
                async with asyncio.timeout(until - self._monotonic()):
                    pending = [await self._hand_over(envelope, until) for envelope in batch]
                    await asyncio.gather(*(future for future in pending if future is not None))
            except _NEVER_TAKEN as error:
                raise PermanentError(f"Kafka will never take a message: {error!r}"[:_MOST_QUOTED]) from error
            except (KafkaError, TimeoutError) as error:
                raise TransientError(f"Kafka did not acknowledge {len(batch)} messages: {error!r}") from error

    async def _hand_over(self, envelope: Envelope, until: float) -> Any:
        # Handing over need not give way to the loop, and so to its time-out: a paused process would go on.
        if self._monotonic() >= until:
            raise TimeoutError("the deadline passed before a message was handed over")
        headers = dict(envelope.headers)
        return await self._broker.publish(
            envelope.body,
            envelope.topic,
            key=envelope.key.encode(),
            correlation_id=headers.pop("correlation_id", None),
            headers=headers,
            no_confirm=True,
        )
