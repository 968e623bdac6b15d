"""Hands a batch of messages to its handler, and finds those that it cannot handle."""

# Invariant: of each partition the handler takes every message up to the first one that blocks it, but for
# those that are rejected. Halving finds one bad record of 500 with 19 calls of the handler. Where many are
# bad it would take twice as many calls as there are records: after 32 calls that failed the rest is handled
# one by one.
#
#   a1 a2 a3 b1 b2, a2 raises KeyError, b1 PermanentError   handled a1 b2, blocked a2, rejected b1; a3 waits

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, NamedTuple, TypeVar

from aiokafka import ConsumerRecord, TopicPartition

from shared.contracts import Message
from shared.errors import Conflict, PermanentError, TransientError
from shared.kafka.dead_letters import RejectedRecord, rejection_of
from shared.runtime.attempt import attempt

M = TypeVar("M", bound=Message)
Handler = Callable[[list[M]], Awaitable[None]]

_FAILURES_UNTIL_ONE_BY_ONE = 32
"""Calls of the handler for one batch that failed: more are no few bad records among good ones."""


class BlockingRecord(NamedTuple):
    """A record that fails for a reason that is not its own, and what was raised."""

    record: ConsumerRecord
    error: Exception


@dataclass(slots=True)
class BatchResult:
    """What became of a batch, but for what was handled."""

    rejected: list[RejectedRecord] = field(default_factory=list)
    blocked: dict[TopicPartition, BlockingRecord] = field(default_factory=dict)
    """The first such record of each partition."""
    failed_calls: int = 0

    def waits(self, record: ConsumerRecord) -> bool:
        """Tells whether the record blocks its partition, or stands behind one that does."""
        blocking = self.blocked.get(partition_of(record))
        return blocking is not None and record.offset >= blocking.record.offset


class BatchHandler(Generic[M]):
    """Calls one handler, with patience for what passes."""

    def __init__(self, handler: Handler[M], pauses: Sequence[timedelta]) -> None:
        self._handler, self._pauses_seconds = handler, [pause.total_seconds() for pause in pauses]

    async def handle(self, decoded: list[tuple[ConsumerRecord, M]]) -> BatchResult:
        """Handles the messages of a batch; raises `TransientError` when none can be handled now."""
        result = BatchResult()
        await self._handle(decoded, result)
        return result

    async def _handle(self, decoded: list[tuple[ConsumerRecord, M]], result: BatchResult) -> None:
        """Handles all at once or, when that fails, in parts."""
        decoded = [each for each in decoded if not result.waits(each[0])]
        if not decoded:
            return
        error = await attempt(self._call_handler([model for _, model in decoded]))
        if error is None:
            return
        if isinstance(error, TransientError):
            raise error
        if len(decoded) == 1:
            [(record, _)] = decoded
            if isinstance(error, PermanentError):
                result.rejected.append(rejection_of(record, error))
            else:
                result.blocked[partition_of(record)] = BlockingRecord(record, error)
            return
        result.failed_calls += 1
        few = result.failed_calls <= _FAILURES_UNTIL_ONE_BY_ONE
        size = (len(decoded) + 1) // 2 if few else 1
        for start in range(0, len(decoded), size):
            await self._handle(decoded[start : start + size], result)

    async def _call_handler(self, models: list[M]) -> None:
        """Calls the handler until it succeeds; raises what its last try raised, or what is not transient."""
        longest_seconds, conflicts = self._pauses_seconds[-1], 0
        for pause_seconds in self._pauses_seconds:
            try:
                return await self._handler(models)
            except Conflict:  # another consumer may have been first: the second look finds what it stored
                conflicts += 1
                if conflicts > 1:
                    raise
                await asyncio.sleep(pause_seconds)
            except TransientError as error:
                # The far side's own word counts, but no handler may hold a partition for as long as it
                # likes.
                await asyncio.sleep(max(pause_seconds, min(error.retry_after or 0, longest_seconds)))
        return await self._handler(models)


def partition_of(record: ConsumerRecord) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)
