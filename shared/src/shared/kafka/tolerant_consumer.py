"""A consumer that gets past records which the client library cannot read, and commits what was handled."""

# Invariant: every offset is handed out, as a record or as an `UnreadableRecord`, and none stops those behind
# it. The library decodes a whole batch of a producer before it hands out anything, and raises again and again
# when a header's name is no UTF-8 or a codec is missing; so once it raised, each partition is read record by
# record, and what raises is handed out as unreadable. The library cannot start in the middle of a producer's
# batch either, so the rest of that batch, which is the same producer's, is unreadable too:
#
#   offsets 5 6 7 of one batch, 6 is bad; 8 of another   → 5, unreadable 6, unreadable 7, 8

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError

_UNREADABLE = (UnicodeDecodeError, UnsupportedCodecError, CorruptRecordException)
_PATIENCE_MS = 200
"""How long a partition may take to bring its next record; one that has none is at its end."""
_RECORDS_AT_ONCE = 500


@dataclass(kw_only=True)
class UnreadableRecord(ConsumerRecord):  # type: ignore[misc]  # it ships no types
    """Stands for a record of which nothing but the place is known."""

    error: Exception = field(compare=False)


class TolerantConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # it ships no types
    """The client library's consumer, but for records that cannot be read, and for what it commits."""

    handled: Mapping[TopicPartition, int] = MappingProxyType({})
    """The next offset of each partition of the batch that was handled last; the pipeline sets it."""

    async def commit(self, offsets: Mapping[TopicPartition, int] | None = None) -> None:
        """Commits the offsets, by default what was handled, of partitions that are still assigned.

        The library's own default are the positions of all partitions: beyond what the database has seen.
        """
        wanted = self.handled if offsets is None else offsets
        if mine := {partition: wanted[partition] for partition in wanted.keys() & self.assignment()}:
            await super().commit(mine)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        """Returns records by partition, as the library does, and unreadable ones among them."""
        # The library moves the position of each partition as it empties it, and forgets what it took when a
        # later partition raises: all are put back to where they were.
        before = {partition: await self.position(partition) for partition in partitions or self.assignment()}
        try:
            found: Mapping[TopicPartition, list[ConsumerRecord]] = await super().getmany(
                *partitions, timeout_ms=timeout_ms, max_records=max_records
            )
        except _UNREADABLE:
            wanted = set(partitions) or self.assignment()
            for partition in wanted & before.keys():
                self.seek(partition, before[partition])
            return await self._read_one_by_one(wanted - self.paused(), max_records or _RECORDS_AT_ONCE)
        return found

    async def _read_one_by_one(
        self, partitions: set[TopicPartition], limit: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        found: dict[TopicPartition, list[ConsumerRecord]] = {}
        for partition in sorted(partitions):
            records: list[ConsumerRecord] = []
            while limit and (record := await self._next_record(partition)):
                records.append(record)
                limit -= 1
            if records:
                found[partition] = records
        return found

    async def _next_record(self, partition: TopicPartition) -> ConsumerRecord | None:
        try:
            batch = await super().getmany(partition, timeout_ms=_PATIENCE_MS, max_records=1)
        except _UNREADABLE as error:
            offset = await self.position(partition)
            self.seek(partition, offset + 1)
            return _unreadable(partition, offset, error)
        return batch[partition][0] if batch else None


def _unreadable(partition: TopicPartition, offset: int, error: Exception) -> UnreadableRecord:
    nothing: dict[str, Any] = {
        "timestamp": 0,
        "timestamp_type": 0,
        "key": None,
        "value": None,
        "checksum": None,
        "serialized_key_size": -1,
        "serialized_value_size": -1,
        "headers": (),
    }
    return UnreadableRecord(
        topic=partition.topic, partition=partition.partition, offset=offset, **nothing, error=error
    )
