"""The consuming pipeline: raw records in, models to the handler; each ends handled or dead-lettered."""

# Invariant: an offset is committed only after each record up to it was handled, or its dead letter
# acknowledged, and after the database has noted that (shared.kafka.database_positions).
#
#   handler done                      committed
#   a message that does not validate  a dead letter; committed
#   PermanentError                    halved; those that fail alone become dead letters; committed
#   TransientError through all tries  raised: an outage is no record's fault
#   any other error, a bug of ours    halved; what stands before the record at fault is committed, the
#                                     partition rests in front of it (shared.kafka.standstills)
#   a dead letter not acknowledged    raised
#   an operator skips it              not handled, a dead letter; committed
#
# FastStream's NACK_ON_ERROR makes *seek back* of an error that is raised: the same batch comes again at once.
# So what is raised waits first, and whatever must not come again is never raised.

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import wraps
from inspect import signature
from typing import Any, Generic, Self, TypeVar

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.contracts import Message
from shared.kafka.batch_handler import BatchHandler, BatchResult, Handler, partition_of
from shared.kafka.database_positions import DatabasePositions, Terms, next_offsets, positions_of
from shared.kafka.dead_letters import DeadLetters
from shared.kafka.groups import consumer_group
from shared.kafka.partition_controls import AssignmentListener, PartitionControls, controls_of
from shared.kafka.record_decoder import decode
from shared.kafka.standstills import Standstills
from shared.kafka.tolerant_consumer import TolerantConsumer
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.health import Health
from shared.runtime.takeover import takeover_term

log = structlog.get_logger()

M = TypeVar("M", bound=Message)

MAX_RECORDS = 500
"""Of one batch: what a handler stores with one bulk call."""
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


@dataclass(slots=True)
class _Batch:
    """Records as they were read, and by which consumer."""

    records: Sequence[ConsumerRecord]
    consumer: TolerantConsumer | None
    terms: Terms = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Tools:
    """What the consumer of one topic works with."""

    dead_letters: DeadLetters
    standstills: Standstills
    controls: PartitionControls
    positions: DatabasePositions

    @classmethod
    def of(cls, broker: KafkaBroker, service: str, group: str, health: Health | None) -> Self:
        """Builds the tools of one group; its health shows what the group cannot get past."""
        letters, standstills = DeadLetters(broker, service, group), Standstills(group, service)
        if health:
            health.add_degradation_check(group, letters.alarm.degradation)
            health.add_degradation_check(f"{group} standing still", standstills.degradation)
        return cls(letters, standstills, controls_of(broker), positions_of(broker))

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forgets what is known of partitions that come or go."""
        self.positions.forget(partitions)
        self.standstills.forget(partitions)


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
    group = consumer_group(service, model.topic)
    tools = _Tools.of(broker, service, group, health)
    consumer = _BatchConsumer(model, handler, tools, policy)
    session_timeout_ms = round(takeover_term(_SESSION_TIMEOUT).total_seconds() * 1000)

    @wraps(handler)  # AsyncAPI sees the handler's own name
    async def on_records(batch: _Batch) -> None:
        with health.time_limit(group, policy.stuck_after) if health else nullcontext():
            await consumer.consume(batch)

    # Every setting at the subscriber itself: a broker-level default does not reach routers included later.
    broker.subscriber(
        model.topic,
        group_id=group,
        batch=True,
        max_records=MAX_RECORDS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        parser=_keep_unparsed,
        decoder=_batch,
        listener=AssignmentListener(tools.controls, tools.forget),
        session_timeout_ms=session_timeout_ms,
        heartbeat_interval_ms=session_timeout_ms * 3 // 10,
    )(on_records)


class _BatchConsumer(Generic[M]):
    """Takes a batch from raw records to handled or dead-lettered; an error raised means *seek back*."""

    def __init__(self, model: type[M], handler: Handler[M], tools: _Tools, policy: ConsumePolicy) -> None:
        self._model, self._tools = model, tools
        self._handler = BatchHandler(handler, policy.pauses)
        self._rest_seconds = policy.pauses[-1].total_seconds()

    async def consume(self, batch: _Batch) -> None:
        """Consumes a batch and writes its log line; raises what keeps it from being committed."""
        started = time.monotonic()
        outcome = await attempt(self._consume(batch))
        log.info(
            "batch_consumed",
            topic=self._model.topic,
            records=len(batch.records),
            outcome=repr(outcome)[:300] if isinstance(outcome, Exception) else outcome,
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        if isinstance(outcome, Exception):
            self._tools.standstills.failed(outcome)
            await asyncio.sleep(self._rest_seconds)  # NACK_ON_ERROR seeks back at once; do not spin
            self._tools.positions.abandon(batch.terms)
            raise outcome

    async def _consume(self, batch: _Batch) -> str:
        if batch.consumer:
            batch.consumer.handled = {}  # else a batch of which nothing is ours would commit the one before
            batch.terms = await self._tools.positions.begin(batch.consumer, batch.records)
            batch.records = [record for record in batch.records if partition_of(record) in batch.terms]
        kept, skipped = self._tools.controls.set_aside(batch.records)
        decoded, rejected = await decode(self._model, kept)
        result = await self._handler.handle(decoded)
        # What stands behind a record that blocks its partition comes again with it, and is set aside then.
        rejected = [each for each in (*rejected, *result.rejected, *skipped) if not result.waits(each.record)]
        await self._tools.dead_letters.publish(rejected)
        crash_points.reached("batch-stored", self._model.topic)
        await self._finish(batch, result)
        return "stands still" if result.blocked else "handled"

    async def _finish(self, batch: _Batch, result: BatchResult) -> None:
        """Stores how far each partition came, and rests in front of what blocks one."""
        offsets = next_offsets(batch.records) | {p: each.record.offset for p, each in result.blocked.items()}
        if batch.consumer is None:  # nobody can be told where to go on: all of it comes again
            for each in result.blocked.values():
                raise each.error
            return
        batch.consumer.handled = await self._tools.positions.advance(batch.terms, offsets)
        self._tools.standstills.passed(offsets.keys() - result.blocked.keys())
        for partition in result.blocked.keys() & batch.consumer.handled.keys():
            record, error = result.blocked[partition]
            seconds = self._tools.standstills.blocked(record, error, first_seconds=self._rest_seconds)
            batch.consumer.seek(partition, record.offset)
            self._tools.controls.hold(partition, seconds)


# FastStream asks for a parser and a decoder. Its own parser decodes the headers of all records, which may
# be anyone's bytes, and fails the whole batch on a bad one: it gets an empty record, and the real ones
# pass by.


async def _keep_unparsed(records: tuple[ConsumerRecord, ...], original: Any) -> KafkaMessage:
    message: KafkaMessage = await original((replace(records[0], headers=(), value=b""),))
    message.raw_message = records
    return message


async def _batch(message: KafkaMessage) -> Any:
    raw: Any = message.raw_message
    # In memory, with FastStream's test broker, the consumer is a stand-in.
    return _Batch(raw, message.consumer if isinstance(message.consumer, TolerantConsumer) else None)
