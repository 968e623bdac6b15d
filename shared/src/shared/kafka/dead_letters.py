"""Publishes what cannot be handled to the dead-letter topic, with its origin and the reason."""

# Invariant: a record is committed only once it was handled or its dead letter is acknowledged. And a fault of
# our own must not turn a topic into dead letters: after _OUTAGE rejected records in a row the circuit opens,
# consuming stops, and the service is not ready, until a batch has a record that is handled.
#
#   60 rejected, 0 handled: published, 60 in a row   60 more, 0 handled: 120 in a row, the circuit opens

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.errors import TransientError
from shared.kafka.producer_port import Producer

log = structlog.get_logger()

_PUBLISH_TIMEOUT = timedelta(seconds=10)
_OUTAGE = 100
"""So many rejected records in a row are no bad messages but a fault of ours."""
_MAX_ERROR_CHARACTERS = 1000


class RejectedRecord(NamedTuple):
    """A record that cannot be handled, why, and how often it was tried."""

    record: ConsumerRecord
    error: Exception
    attempts: int


class DeadLetters:
    """Publishes rejected records of one consumer to `<service>.dead-letter.v1`."""

    def __init__(self, broker: Producer, service: str) -> None:
        self._broker, self.topic = broker, dead_letter_topic(service)
        self._rejected_in_a_row = 0
        self.circuit_open = False
        """The fault is ours: consuming stops until a record is handled again."""

    async def publish(self, rejected: Sequence[RejectedRecord], *, handled: int) -> None:
        """Publishes a batch's rejected records; `handled` is how many records of the batch were handled.

        Returns once all letters are acknowledged. Raises `TransientError` when one is not, and without
        publishing any while the circuit is open: the batch is read again, and nothing is lost.
        """
        in_a_row = 0 if handled else self._rejected_in_a_row + len(rejected)
        self.circuit_open = in_a_row >= _OUTAGE
        if self.circuit_open:
            raise TransientError(f"{in_a_row} messages in a row cannot be handled: consuming stops")
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT.total_seconds()):
                await asyncio.gather(*(self._publish_one(*letter) for letter in rejected))
        except (KafkaError, TimeoutError) as error:
            raise TransientError(f"{len(rejected)} dead letters were not acknowledged: {error!r}") from error
        # Only now: a batch that is read again must not be counted twice.
        self._rejected_in_a_row = in_a_row

    async def _publish_one(self, record: ConsumerRecord, error: Exception, attempts: int) -> None:
        origin = f"{record.topic}:{record.partition}:{record.offset}"
        log.error("message_dead_lettered", origin=origin, error=repr(error)[:500], attempts=attempts)
        headers = {
            name: value.decode(errors="replace") for name, value in record.headers if value is not None
        }
        headers |= {
            "x-origin": origin,
            "x-error": f"{type(error).__name__}: {error}"[:_MAX_ERROR_CHARACTERS],
            "x-attempts": str(attempts),
        }
        try:
            await self._broker.publish(record.value or b"", self.topic, key=record.key, headers=headers)
        except MessageSizeTooLargeError:  # the headers took it over the limit; the origin still finds it
            await self._broker.publish(b"", self.topic, key=record.key, headers=headers)


def dead_letter_topic(service: str) -> str:
    return f"{service}.dead-letter.v1"
