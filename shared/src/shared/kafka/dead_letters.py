"""Publishes what cannot be handled to the dead-letter topic, with its origin and the reason."""

# Invariant: a record is committed only once it was handled or its dead letter is acknowledged, and a dead
# letter can always be published: whatever is in the record, the letter is bounded. It repeats the record as
# far as its limits allow, and the origin finds the rest:
#
#   all of it fits       body, key up to 1 KiB, up to 64 headers of 16 KiB, x-origin, x-error, x-attempts
#   Kafka takes no such  no body, no key, x-origin, x-error, x-attempts
#
# A batch whose letters were not all acknowledged is read again, and those that were are not published again.
# However many records in a row are rejected, consuming goes on (decision 22): `DeadLetterAlarm` tells people.

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog
from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pydantic import ValidationError

from shared.errors import PermanentError, TransientError
from shared.kafka.dead_letter_alarm import DeadLetterAlarm
from shared.kafka.producer_port import Producer
from shared.kafka.tolerant_consumer import UnreadableRecord
from shared.limits import record_hit
from shared.limits.kafka import (
    DEAD_LETTER_BYTES,
    DEAD_LETTER_HEADER_BYTES,
    DEAD_LETTER_HEADERS,
    DEAD_LETTER_KEY_BYTES,
)
from shared.plain_text import cleaned

log = structlog.get_logger()

_LETTERS_AT_ONCE = 100
_PUBLISH_TIMEOUT = timedelta(seconds=30)
"""For so many letters: a service's consumers share one partition, and in a storm all of them write to it."""
_MAX_REASON_CHARACTERS = 1000
_MAX_ERRORS_SPELLED_OUT = 20
"""Of one message that does not validate: to spell out 300,000 took 2.6 s."""
_LOGGED_IN_FULL = 5
"""So many letters of a batch have a log line each; the others are a number."""


class RejectedRecord(NamedTuple):
    """A record that cannot be handled, and why."""

    record: ConsumerRecord
    reason: str
    attempts: int = 1
    on_purpose: bool = False
    """Whether an operator asked for it, which is no alarm."""
    bug: Exception | None = None
    """Logged with its traceback."""


def rejection_of(record: ConsumerRecord, error: Exception) -> RejectedRecord:
    """Rejects a record for what was raised about it; anything but a known error is a bug of ours."""
    if isinstance(error, ValidationError) and error.error_count() > _MAX_ERRORS_SPELLED_OUT:
        text = f"{error.error_count():,} errors in {error.title}"
    else:
        text = str(error)
    reason = f"{type(error).__name__}: {text[:_MAX_REASON_CHARACTERS]}"
    # Anyone may send what the client library cannot read.
    known = isinstance(error, (ValidationError, PermanentError)) or isinstance(record, UnreadableRecord)
    return RejectedRecord(record, reason, bug=None if known else error)


class DeadLetters:
    """Publishes rejected records of one consumer to `<service>.dead-letter.v1`."""

    def __init__(self, broker: Producer, service: str, group: str) -> None:
        self._broker, self.topic = broker, dead_letter_topic(service)
        self.alarm = DeadLetterAlarm(group, self.topic)
        self._acknowledged: set[str] = set()
        """Origins of the letters of a batch that has others which were not acknowledged."""

    async def publish(self, rejected: Sequence[RejectedRecord]) -> None:
        """Publishes all rejected records of a batch, and returns once all letters are acknowledged.

        Raises `TransientError` when one is not: the batch is read again, and nothing is lost.
        """
        if not rejected:
            return
        missing = [letter for letter in rejected if _origin(letter.record) not in self._acknowledged]
        self._log(missing)
        for start in range(0, len(missing), _LETTERS_AT_ONCE):
            try:
                async with asyncio.timeout(_PUBLISH_TIMEOUT.total_seconds()):
                    await asyncio.gather(*map(self._publish_one, missing[start : start + _LETTERS_AT_ONCE]))
            except (KafkaError, TimeoutError) as error:
                raise TransientError(f"dead letters were not acknowledged: {error!r}") from error
        self._acknowledged.clear()
        # Only now: a batch that is read again must not be counted twice.
        self.alarm.count(sum(not letter.on_purpose for letter in rejected))

    def _log(self, rejected: Sequence[RejectedRecord]) -> None:
        for letter in rejected[:_LOGGED_IN_FULL]:
            log.error(
                "message_dead_lettered",
                origin=_origin(letter.record),
                error=letter.reason[:500],
                attempts=letter.attempts,
                exc_info=letter.bug,
            )
        if more := rejected[_LOGGED_IN_FULL:]:
            log.error(
                "more_messages_dead_lettered",
                count=len(more),
                first=_origin(more[0].record),
                last=_origin(more[-1].record),
            )

    async def _publish_one(self, letter: RejectedRecord) -> None:
        record = letter.record
        own_headers = {
            "x-origin": _origin(record),
            "x-error": cleaned(letter.reason),
            "x-attempts": str(letter.attempts),
        }
        # Last, so that they win over headers of the message that are called alike.
        headers = _repeated_headers(record) | own_headers
        try:
            body, key = record.value or b"", _repeated_key(record)
            await self._broker.publish(body, self.topic, key=key, headers=headers)
        except MessageSizeTooLargeError:
            record_hit(DEAD_LETTER_BYTES)
            await self._broker.publish(b"", self.topic, key=None, headers=own_headers)
        self._acknowledged.add(own_headers["x-origin"])


def dead_letter_topic(service: str) -> str:
    return f"{service}.dead-letter.v1"


def _origin(record: ConsumerRecord) -> str:
    return f"{record.topic}:{record.partition}:{record.offset}"


def _repeated_key(record: ConsumerRecord) -> bytes | None:
    key: bytes | None = record.key
    if key is not None and len(key) > DEAD_LETTER_KEY_BYTES.most:
        record_hit(DEAD_LETTER_KEY_BYTES)
        return None  # to hash 20,000 bytes took 10 ms, and a batch has 500 messages
    return key


def _repeated_headers(record: ConsumerRecord) -> dict[str, str]:
    """Returns the record's headers as text, as many as the limits of a letter allow."""
    headers: dict[str, str] = {}
    left_bytes = DEAD_LETTER_HEADER_BYTES.most
    if len(record.headers) > DEAD_LETTER_HEADERS.most:
        record_hit(DEAD_LETTER_HEADERS)
    for name, value in record.headers[: DEAD_LETTER_HEADERS.most]:
        if value is None:
            continue
        size_bytes = len(name.encode(errors="replace")) + len(value)
        if size_bytes > left_bytes:
            record_hit(DEAD_LETTER_HEADER_BYTES)
            continue
        left_bytes -= size_bytes
        headers[name] = value.decode(errors="replace")
    return headers
