"""How far a consumer group is behind: the messages that it has not read yet, not the offsets."""

# Definition: the lag of a partition is the number of records from the group's committed offset to the end.
# Offsets do not count them. A producer with transactions ends each with a marker, which takes an offset that
# no consumer ever gets as a record, and compaction leaves holes; so the committed offset of a group that has
# read everything may stay below the end for ever. Records of an aborted transaction do count: our consumers
# read uncommitted records, and get them. With r a record and M a marker:
#
#   offset   0 1 2 3 4 5        committed 3, end 6   → lag 2 (r3 and r4)
#            r r M r r M        committed 5, end 6   → lag 0
#
# Equal offsets are a lag of zero without reading. Else records are read, without a group, up to the end as it
# was at the beginning, and at most `LAG_RECORDS`; with more, the lag is a range that the offsets bound above.

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from aiokafka import ConsumerRecord, TopicPartition

from shared.kafka.connection import client_options
from shared.kafka.tolerant_consumer import TolerantConsumer
from shared.limits import record_hit
from shared.limits.kafka import LAG_RECORDS
from shared.runtime.settings import KafkaSettings

_READ_TIMEOUT = timedelta(seconds=20)
"""For all partitions together; what was not read by then is a range."""
_POLL = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class Lag:
    """How many records wait: at least and at most."""

    at_least: int
    at_most: int

    def __str__(self) -> str:
        if self.at_least == self.at_most:
            return f"{self.at_most:,}"
        return f"{self.at_least:,} to {self.at_most:,}"


@dataclass(slots=True)
class PartitionProgress:
    """Where a group stands in a partition: its committed offset, the end, and the records between them."""

    partition: TopicPartition
    committed: int | None
    """None when the group has not committed yet: it begins with the first record that is left."""
    start: int
    """The first offset that the group has not passed."""
    end: int
    """The offset that the next record will get."""
    first_waiting: int | None = None
    """The offset of the first record that waits."""
    read_to_the_end: bool = False
    _records: int = field(default=0, init=False)

    @property
    def lag(self) -> Lag:
        if self.read_to_the_end:
            return Lag(self._records, self._records)
        return Lag(self._records, self.end - self.start)

    def add(self, records: Iterable[ConsumerRecord]) -> None:
        """Counts the records before the end; those after it came later."""
        waiting = [record.offset for record in records if record.offset < self.end]
        if waiting and self.first_waiting is None:
            self.first_waiting = waiting[0]
        self._records += len(waiting)


async def measure(
    kafka: KafkaSettings, committed: Mapping[TopicPartition, int | None]
) -> list[PartitionProgress]:
    """Measures partitions, given what their group has committed; raises `KafkaError`."""
    consumer = TolerantConsumer(**client_options(kafka), enable_auto_commit=False)
    await consumer.start()
    try:
        begins = await consumer.beginning_offsets(list(committed))
        ends = await consumer.end_offsets(list(committed))
        found = {
            partition: _progress(partition, offset, begins[partition], ends[partition])
            for partition, offset in committed.items()
        }
        await _count_records(consumer, {p: each for p, each in found.items() if not each.read_to_the_end})
    finally:
        await consumer.stop()
    return list(found.values())


def _progress(partition: TopicPartition, committed: int | None, begin: int, end: int) -> PartitionProgress:
    # Retention may have removed what the group had yet to read: it goes on with what is left.
    start = min(end, max(begin, committed or 0))
    return PartitionProgress(partition, committed, start, end, read_to_the_end=start == end)


async def _count_records(
    consumer: TolerantConsumer, unread: Mapping[TopicPartition, PartitionProgress]
) -> None:
    consumer.assign(list(unread))
    for partition, progress in unread.items():
        consumer.seek(partition, progress.start)
    reading = set(unread)
    until = asyncio.get_running_loop().time() + _READ_TIMEOUT.total_seconds()
    while reading and asyncio.get_running_loop().time() < until:
        batches = await consumer.getmany(timeout_ms=_POLL // timedelta(milliseconds=1))
        for partition, records in batches.items():
            unread[partition].add(records)
        done = {partition for partition in reading if await _is_done(consumer, unread[partition])}
        consumer.pause(*done)
        reading -= done


async def _is_done(consumer: TolerantConsumer, progress: PartitionProgress) -> bool:
    # By the position, not the records: it moves past markers, which are never handed out.
    progress.read_to_the_end = await consumer.position(progress.partition) >= progress.end
    if not progress.read_to_the_end and progress.lag.at_least >= LAG_RECORDS.most:
        record_hit(LAG_RECORDS)
        return True
    return progress.read_to_the_end
