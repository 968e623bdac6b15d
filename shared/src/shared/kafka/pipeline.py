"""The consuming pipeline: raw records in, models to the handler; every record ends handled or set aside."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import wraps
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from pydantic import ValidationError

from shared.contracts import Message
from shared.errors import TransientError, UnexpectedResponse
from shared.kafka.dead_letters import DeadLetters
from shared.runtime import crash_points
from shared.runtime.attempt import attempt
from shared.runtime.health import Health
from shared.runtime.takeover import takeover_term

log = structlog.get_logger()

M = TypeVar("M", bound=Message)
Handler = Callable[[list[M]], Awaitable[None]]
Letters = list[tuple[ConsumerRecord, Exception, int]]

MAX_RECORDS = 500
_SESSION = timedelta(seconds=10)
"""How long a consumer that says nothing keeps its partitions."""


@dataclass(frozen=True, slots=True)
class ConsumePolicy:
    """How patient a batch is with its handler."""

    pauses: Sequence[float] = (0.2, 1.0, 5.0)
    """Seconds between tries; their sum stays far below `max_poll_interval_ms` (5 min)."""
    longest: timedelta = timedelta(minutes=10)
    """After which the process counts as stuck."""


_USUAL = ConsumePolicy()


def consume(
    broker: KafkaBroker,
    model: type[M],
    handler: Handler[M],
    *,
    service: str,
    health: Health | None = None,
    patience: ConsumePolicy = _USUAL,
) -> None:
    """Subscribe `handler` to the model's topic; the only place where a subscriber is declared."""
    run = _Batches(model, handler, DeadLetters(broker, service), patience.pauses)
    group = f"{service}.{model.topic}"
    session_ms = round(takeover_term(_SESSION).total_seconds() * 1000)

    @wraps(handler)  # AsyncAPI sees the handler's own name
    async def on_records(records: Sequence[ConsumerRecord]) -> None:
        with health.within(group, patience.longest) if health else nullcontext():
            await run.handle(records)

    if health:
        health.consumes(group, lambda: run.letters.storming)
    broker.subscriber(
        model.topic,
        group_id=group,
        batch=True,
        max_records=MAX_RECORDS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        parser=_unparsed,
        decoder=_raw,
        session_timeout_ms=session_ms,
        heartbeat_interval_ms=session_ms * 3 // 10,
    )(on_records)


class _Batches(Generic[M]):
    """What happens to one batch: decode, handle, set aside; an error raised means *seek back*."""

    def __init__(
        self, model: type[M], handler: Handler[M], letters: DeadLetters, pauses: Sequence[float]
    ) -> None:
        self._model, self._handler, self._pauses = model, handler, pauses
        self.letters = letters

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        started = time.monotonic()
        outcome = await attempt(self._end(records))
        log.info(
            "batch_consumed",
            topic=self._model.topic,
            records=len(records),
            outcome="handled" if outcome is None else repr(outcome)[:300],
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        if outcome is not None:
            await asyncio.sleep(self._pauses[-1])  # NACK_ON_ERROR seeks back at once; do not spin
            raise outcome

    async def _end(self, records: Sequence[ConsumerRecord]) -> None:
        good, bad = _decoded(self._model, records)
        bad += await self._handled(good)
        await self.letters.set_aside(bad, handled=len(records) - len(bad))
        crash_points.reached("batch-stored", self._model.topic)

    async def _handled(self, good: list[tuple[ConsumerRecord, M]]) -> Letters:
        """Handle all at once; when that fails for good, one by one, to find those at fault."""
        if not good:
            return []
        error = await attempt(self._retried([model for _, model in good]))
        if error is None:
            return []
        if isinstance(error, TransientError):
            raise error  # an outage is nobody's poison: seek back
        if len(good) == 1:
            log.error("message_failed", topic=self._model.topic, exc_info=error)
            return [(good[0][0], error, 1)]
        return [letter for one in good for letter in await self._handled([one])]

    async def _retried(self, models: list[M]) -> None:
        for pause in self._pauses:
            try:
                return await self._handler(models)
            except TransientError as error:
                await asyncio.sleep(max(pause, min(error.retry_after or 0, self._pauses[-1])))
        return await self._handler(models)


def _decoded(
    model: type[M], records: Sequence[ConsumerRecord]
) -> tuple[list[tuple[ConsumerRecord, M]], Letters]:
    good: list[tuple[ConsumerRecord, M]] = []
    bad: Letters = []
    for record in records:
        try:
            _check_type(model, record)
            good.append((record, model.model_validate_json(record.value or b"")))
        except (ValidationError, UnexpectedResponse) as error:
            bad.append((record, error, 1))
    return good, bad


def _check_type(model: type[M], record: ConsumerRecord) -> None:
    for name, value in record.headers:
        if name == "ce_type" and value != model.topic.encode():
            raise UnexpectedResponse(f"{record.topic} carries {model.topic}, not {value!r}")


async def _unparsed(records: tuple[ConsumerRecord, ...], original: Any) -> KafkaMessage:
    """Headers are anyone's bytes; FastStream's own parser decodes them all and fails the whole batch."""
    message: KafkaMessage = await original((replace(records[0], headers=(), value=b""),))
    message.raw_message = records
    return message


async def _raw(message: KafkaMessage) -> Any:
    return message.raw_message
