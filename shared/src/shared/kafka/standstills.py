"""Keeps account of what a consumer cannot get past, and tells people how to help."""

# Invariant: a message that fails for a reason that is not its own is not lost: its partition rests in front
# of it, and the other partitions go on, until the handler takes it or an operator skips it. It rests for
# longer with each failure in a row, 5 s up to a minute, and the service is degraded as long:
#
#   t:0  offsets 5, 6, 7: 6 raises KeyError   → 5 committed; 6, and 7 behind it, wait; tried again after 5 s
#
# A store that is away holds up every partition alike; that is told once it has lasted for a minute.

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from shared.runtime.backoff import backoff_seconds
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds, utc_now

log = structlog.get_logger()

_LONGEST_REST_SECONDS = 60.0
_OUTAGE_SHOWN_AFTER_SECONDS = 60.0
_MOST_QUOTED = 200
"""Characters of an error."""


@dataclass(slots=True)
class _Standstill:
    """A partition that waits in front of one message."""

    offset: int
    since: datetime
    error: str
    failures: int = 0


@dataclass(frozen=True, slots=True)
class _Outage:
    """A time in which whole batches must be read again."""

    began_seconds: float
    since: datetime
    error: str


class Standstills:
    """What one consumer group cannot get past."""

    def __init__(self, group: str, service: str, *, monotonic: MonotonicSeconds = monotonic_seconds) -> None:
        self._group, self._command = group, f"python -m {service.replace('-', '_')} consumers skip"
        self._monotonic = monotonic
        self._by_partition: dict[TopicPartition, _Standstill] = {}
        self._outage: _Outage | None = None

    def blocked(self, record: ConsumerRecord, error: Exception, *, first_seconds: float) -> float:
        """Notes that a record cannot be handled; returns for how many seconds its partition is to rest."""
        partition = TopicPartition(record.topic, record.partition)
        standstill = self._by_partition.get(partition)
        if standstill is None or standstill.offset != record.offset:
            standstill = _Standstill(record.offset, utc_now(), "")
            self._by_partition[partition] = standstill
        standstill.failures += 1
        standstill.error = f"{type(error).__name__}: {error}"[:_MOST_QUOTED]
        log.error(
            "partition_stands_still",
            group=self._group,
            origin=f"{record.topic}:{record.partition}:{record.offset}",
            failures=standstill.failures,
            exc_info=error,
        )
        return backoff_seconds(standstill.failures, first=first_seconds, longest=_LONGEST_REST_SECONDS)

    def passed(self, partitions: Iterable[TopicPartition]) -> None:
        """Notes partitions of a batch that was handled, in which nothing blocks."""
        self._outage = None
        for partition in partitions:
            if self._by_partition.pop(partition, None):
                log.info("partition_moves_again", partition=f"{partition.topic}:{partition.partition}")

    def failed(self, error: Exception) -> None:
        """Notes that a whole batch must be read again, as while a store is away."""
        if self._outage is None:
            text = f"{type(error).__name__}: {error}"[:_MOST_QUOTED]
            self._outage = _Outage(self._monotonic(), utc_now(), text)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Forgets partitions that another process has by now."""
        for partition in partitions:
            self._by_partition.pop(partition, None)

    def degradation(self) -> str | None:
        """Returns what stands still since when and why, and what to do about it."""
        sentences = [
            f"{partition.topic}:{partition.partition} waits since {each.since:%Y-%m-%d %H:%M} UTC in front "
            f"of offset {each.offset} ({each.error}): the log has the traceback; deploy the fix, or set that "
            f"message aside: {self._command} {partition.topic}:{partition.partition} --past --reason …"
            for partition, each in sorted(self._by_partition.items())
        ]
        outage = self._outage
        if outage and self._monotonic() - outage.began_seconds >= _OUTAGE_SHOWN_AFTER_SECONDS:
            since = f"{outage.since:%Y-%m-%d %H:%M} UTC"
            sentences.append(
                f"group {self._group} reads the same messages again since {since} ({outage.error})"
            )
        return "; ".join(sentences) or None
