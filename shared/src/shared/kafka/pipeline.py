"""The consuming pipeline: raw records in, models to the handler; each ends handled or dead-lettered."""

# Invariant: an offset is committed only after each record up to it was handled, or its dead letter
# acknowledged.
#
#   handler done                      committed
#   TransientError through all tries  raised: an outage is no record's fault
#   any other error                   halved; those that fail alone become dead letters; committed
#   a dead letter not acknowledged    raised
#   an operator skips it              not handled, a dead letter; committed
#
# Halving finds one bad record of 500 with 19 calls of the handler. Where many are bad it would take twice as
# many calls as there are records, so after 32 calls that failed the rest is handled one by one.
#
# FastStream's NACK_ON_ERROR makes *seek back* of an error that is raised: the same batch comes again at once.
# So what is raised waits first, and whatever must not come again is never raised.

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from inspect import signature
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.contracts import Message
from shared.errors import TransientError, UnexpectedResponse
from shared.kafka.dead_letters import DeadLetters, RejectedRecord, rejection_of
from shared.kafka.groups import consumer_group
from shared.kafka.partition_controls import AssignmentListener, PartitionControls, controls_of
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.health import Health
from shared.runtime.takeover import takeover_term

log = structlog.get_logger()

M = TypeVar("M", bound=Message)
Handler = Callable[[list[M]], Awaitable[None]]

MAX_RECORDS = 500
"""Of one batch: what a handler stores with one bulk call."""
_FAILURES_UNTIL_ONE_BY_ONE = 32
"""Calls of the handler for one batch that failed for good: more are no few bad records among good ones."""
_SESSION_TIMEOUT = timedelta(seconds=10)
"""How long a consumer that sends no heartbeat keeps its partitions."""


@dataclass(frozen=True, slots=True)
class ConsumePolicy:
    """How patient a batch is with its handler."""

    pauses: Sequence[timedelta] = (
        timedelta(milliseconds=200),
        timedelta(seconds=1),
        timedelta(seconds=5),
    )
    """Between tries; their sum stays far below `max_poll_interval_ms` (5 min)."""
    stuck_after: timedelta = timedelta(minutes=10)
    """A batch that takes longer makes the process count as dead."""


_DEFAULT_POLICY = ConsumePolicy()


def consume(
    broker: KafkaBroker,
    model: type[M],
    handler: Handler[M],
    *,
    service: str,
    health: Health | None = None,
    policy: ConsumePolicy = _DEFAULT_POLICY,
) -> None:
    """Subscribes `handler` to the model's topic; the only place where a subscriber is declared.

    Raises `TypeError` for a handler that takes more than the messages: FastStream reads its signature, would
    look for the other parameters in each message, and try the same batch again for ever without a word.
    """
    if len(signature(handler).parameters) != 1:
        raise TypeError(f"{handler.__qualname__} must take a list of messages and nothing else")
    group, controls = consumer_group(service, model.topic), controls_of(broker)
    dead_letters = DeadLetters(broker, service, group)
    consumer = _BatchConsumer(model, handler, dead_letters, controls, pauses=policy.pauses)
    session_timeout_ms = round(takeover_term(_SESSION_TIMEOUT).total_seconds() * 1000)

    @wraps(handler)  # AsyncAPI sees the handler's own name
    async def on_records(records: Sequence[ConsumerRecord]) -> None:
        with health.time_limit(group, policy.stuck_after) if health else nullcontext():
            await consumer.consume(records)

    if health:
        health.add_degradation_check(group, dead_letters.alarm.degradation)
    # Every setting at the subscriber itself: a broker-level default does not reach routers included later.
    broker.subscriber(
        model.topic,
        group_id=group,
        batch=True,
        max_records=MAX_RECORDS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        parser=_keep_unparsed,
        decoder=_raw_records,
        listener=AssignmentListener(controls),
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms * 3 // 10,
    )(on_records)


class _BatchConsumer(Generic[M]):
    """Takes a batch from raw records to handled or dead-lettered; an error raised means *seek back*."""

    def __init__(
        self,
        model: type[M],
        handler: Handler[M],
        dead_letters: DeadLetters,
        controls: PartitionControls,
        *,
        pauses: Sequence[timedelta],
    ) -> None:
        self._model, self._handler = model, handler
        self._dead_letters, self._controls = dead_letters, controls
        self._pauses_seconds = [pause.total_seconds() for pause in pauses]

    async def consume(self, records: Sequence[ConsumerRecord]) -> None:
        """Consumes a batch and writes its log line; raises what keeps it from being committed."""
        started = time.monotonic()
        outcome = await attempt(self._consume(records))
        log.info(
            "batch_consumed",
            topic=self._model.topic,
            records=len(records),
            outcome="handled" if outcome is None else repr(outcome)[:300],
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        if outcome is not None:
            await asyncio.sleep(self._pauses_seconds[-1])  # NACK_ON_ERROR seeks back at once; do not spin
            raise outcome

    async def _consume(self, records: Sequence[ConsumerRecord]) -> None:
        kept, skipped = self._controls.set_aside(records)
        decoded, rejected = await _decode(self._model, kept)
        if decoded:
            rejected += await self._handle(decoded, Counter())
        await self._dead_letters.publish([*rejected, *skipped])
        crash_points.reached("batch-stored", self._model.topic)

    async def _handle(
        self, decoded: list[tuple[ConsumerRecord, M]], failures: Counter[str]
    ) -> list[RejectedRecord]:
        """Handles all records at once or, when that fails for good, in parts; returns those at fault."""
        error = await attempt(self._call_handler([model for _, model in decoded]))
        if error is None:
            return []
        if isinstance(error, TransientError):
            raise error
        if len(decoded) == 1:
            return [rejection_of(decoded[0][0], error)]
        failures["calls"] += 1
        few = failures["calls"] <= _FAILURES_UNTIL_ONE_BY_ONE
        size = (len(decoded) + 1) // 2 if few else 1
        rejected: list[RejectedRecord] = []
        for start in range(0, len(decoded), size):
            rejected += await self._handle(decoded[start : start + size], failures)
        return rejected

    async def _call_handler(self, models: list[M]) -> None:
        """Calls the handler until it succeeds; raises what its last try raised, or what is not transient."""
        longest_seconds = self._pauses_seconds[-1]
        for pause_seconds in self._pauses_seconds:
            try:
                return await self._handler(models)
            except TransientError as error:
                # The far side's own word counts, but no handler may hold a partition for as long as it
                # likes.
                await asyncio.sleep(max(pause_seconds, min(error.retry_after or 0, longest_seconds)))
        return await self._handler(models)


async def _decode(
    model: type[M], records: Sequence[ConsumerRecord]
) -> tuple[list[tuple[ConsumerRecord, M]], list[RejectedRecord]]:
    """Decodes each record on its own, so that one bad record does not fail its neighbours."""
    decoded: list[tuple[ConsumerRecord, M]] = []
    rejected: list[RejectedRecord] = []
    for record in records:
        try:
            _check_type(model, record)
            decoded.append((record, model.model_validate_json(record.value or b"")))
        except Exception as error:  # noqa: BLE001  anyone's bytes may raise anything, and stop nothing
            rejected.append(rejection_of(record, getattr(record, "error", error)))
            # A megabyte of faults takes seconds to validate: between two the consumer must send heartbeats.
            await asyncio.sleep(0)
    return decoded, rejected


def _check_type(model: type[M], record: ConsumerRecord) -> None:
    for name, value in record.headers:
        if name == "ce_type" and value != model.topic.encode():
            raise UnexpectedResponse(f"{record.topic} carries {model.topic}, not {(value or b'')[:100]!r}")


# FastStream asks for a parser and a decoder. Its own parser decodes the headers of all records, which may
# be anyone's bytes, and fails the whole batch on a bad one: it gets an empty record, and the real ones
# pass by.


async def _keep_unparsed(records: tuple[ConsumerRecord, ...], original: Any) -> KafkaMessage:
    message: KafkaMessage = await original((replace(records[0], headers=(), value=b""),))
    message.raw_message = records
    return message


async def _raw_records(message: KafkaMessage) -> Any:
    return message.raw_message
