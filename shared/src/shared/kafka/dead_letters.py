"""Setting aside what cannot be handled, with where it came from and why."""

import asyncio
from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.errors import TransientError
from shared.kafka.producer_port import Producer

log = structlog.get_logger()

Rejected = Sequence[tuple[ConsumerRecord, Exception, int]]
"""A record, what was wrong with it, and how often it was tried."""

_PATIENCE = 10.0
_STORM = 100


class DeadLetters:
    """Publishes rejected records to `<service>.dead-letter.v1`; too many in a row are an outage of ours."""

    def __init__(self, broker: Producer, service: str) -> None:
        self._broker, self.topic = broker, dead_letter_topic(service)
        self._in_a_row = 0
        self.storming = False
        """So many in a row that the fault is ours: consuming stops until a batch succeeds."""

    async def set_aside(self, rejected: Rejected, *, handled: int) -> None:
        """Returns once all are acknowledged; raises `TransientError` when one is not, so nothing is lost."""
        in_a_row = 0 if handled else self._in_a_row + len(rejected)
        self.storming = in_a_row >= _STORM
        if self.storming:
            raise TransientError(f"{in_a_row} messages in a row cannot be handled: consuming stops")
        try:
            async with asyncio.timeout(_PATIENCE):
                await asyncio.gather(*(self._publish(*letter) for letter in rejected))
        except (KafkaError, TimeoutError) as error:
            raise TransientError(f"{len(rejected)} dead letters were not acknowledged: {error!r}") from error
        # Only now: a batch that comes again must not be counted again.
        self._in_a_row = in_a_row

    async def _publish(self, record: ConsumerRecord, error: Exception, attempts: int) -> None:
        origin = f"{record.topic}:{record.partition}:{record.offset}"
        log.error("message_dead_lettered", origin=origin, error=repr(error)[:500], attempts=attempts)
        headers = {
            name: value.decode(errors="replace") for name, value in record.headers if value is not None
        }
        headers |= {
            "x-origin": origin,
            "x-error": f"{type(error).__name__}: {error}"[:1000],
            "x-attempts": str(attempts),
        }
        try:
            await self._broker.publish(record.value or b"", self.topic, key=record.key, headers=headers)
        except MessageSizeTooLargeError:  # the headers took it over the limit; the origin still finds it
            await self._broker.publish(b"", self.topic, key=record.key, headers=headers)


def dead_letter_topic(service: str) -> str:
    return f"{service}.dead-letter.v1"
