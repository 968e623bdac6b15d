"""Publishing: every message acknowledged, or an error that means *unknown*, never *not sent*."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.contracts import Message
from shared.errors import PermanentError, TransientError
from shared.kafka.envelope import Envelope, envelope_of
from shared.kafka.producer_port import Producer

PATIENCE = 30.0
"""Seconds for one batch."""
_AT_ONCE = 1000


class Publisher:
    """Sends messages keyed, in the order given for each key."""

    def __init__(self, broker: Producer, source: str) -> None:
        self._broker, self._source = broker, source

    async def publish(
        self,
        messages: Iterable[Message],
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Publish all, or raise; `deadline` is a moment of the loop's clock in seconds.

        Raises `TransientError` when it is unknown whether all of them arrived.
        """
        envelopes = [envelope_of(m, source=self._source, correlation_id=correlation_id) for m in messages]
        await self.send(envelopes, deadline=deadline)

    async def send(self, envelopes: Sequence[Envelope], *, deadline: float | None = None) -> None:
        """Send envelopes as they are: a relay repeats the same `ce_id` when it tries again."""
        until = asyncio.get_running_loop().time() + PATIENCE
        until = until if deadline is None else min(until, deadline)
        for start in range(0, len(envelopes), _AT_ONCE):
            some = envelopes[start : start + _AT_ONCE]
            try:
                async with asyncio.timeout_at(until):
                    await self._send(some, until)
            except MessageSizeTooLargeError as error:
                raise PermanentError(f"a message is larger than Kafka takes: {error}") from error
            except (KafkaError, TimeoutError) as error:
                raise TransientError(f"Kafka did not acknowledge {len(some)} messages: {error!r}") from error

    async def _send(self, envelopes: Sequence[Envelope], until: float) -> None:
        """A partition has one batch in flight, so what is handed over in order arrives in order."""
        waiting = [await self._hand_over(envelope, until) for envelope in envelopes]
        await asyncio.gather(*(future for future in waiting if future is not None))

    async def _hand_over(self, envelope: Envelope, until: float) -> Any:
        # Handing over need not give way to the loop, and so to its time-out: a paused process would go on.
        if asyncio.get_running_loop().time() >= until:
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
