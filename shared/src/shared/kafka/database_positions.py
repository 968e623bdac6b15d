"""Notices that the service's database is older than what its consumer groups have committed."""

# Invariant: no news is passed over that the database has not seen. Kafka keeps a group's offsets, and knows
# nothing of a database that was restored from a backup; so the database holds its own position, stored after
# a batch was handled and before its offsets are committed. Then, for a partition,
#
#   stored 90, committed 90   the usual: read on
#   stored 90, committed 80   killed between the two: read on from 80, handlers take a message twice
#   stored 40, committed 90   the database is older than the offsets: read again from 40
#   none, committed 90        an older release consumed it: 90 is taken over; if the database began empty, or
#                             was emptied, from the first record that is left
#
# They are compared before the first batch after each assignment, and the stored one again every few seconds,
# for a database may be restored under a running service. Whoever finds a difference seeks, and begins a new
# term of the partition: a batch that was read before is not stored nor committed, or it would hide the gap.

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from itertools import count
from typing import Protocol

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared.errors import TransientError
from shared.kafka.position_repository import PositionRepository
from shared.runtime.clock import MonotonicSeconds, monotonic_seconds

log = structlog.get_logger()

_KEY = "database_positions"
_SHOWN_FOR = timedelta(minutes=30)
"""How long a service says that its database was older: until somebody has seen it."""

_OFFSET_TIMEOUT = timedelta(seconds=10)

Terms = Mapping[TopicPartition, int]
"""In which term of each partition a batch was read."""


class SeekingConsumer(Protocol):
    """The part of a consumer that positions need (`TolerantConsumer`)."""

    def assignment(self) -> AbstractSet[TopicPartition]: ...

    async def committed(self, partition: TopicPartition) -> int | None: ...

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int]: ...

    async def position(self, partition: TopicPartition) -> int: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...


class DatabasePositions:
    """The positions of all partitions of one broker's consumers; without a repository it keeps none."""

    def __init__(self, *, monotonic: MonotonicSeconds = monotonic_seconds) -> None:
        self._repository: PositionRepository | None = None
        self._monotonic, self._lock, self._numbers = monotonic, asyncio.Lock(), count(1)
        self._terms: dict[TopicPartition, int] = {}
        """Of the partitions that were compared since they were assigned."""
        self._stored: dict[TopicPartition, int] = {}
        """What this process last stored."""
        self._behind: dict[TopicPartition, tuple[float, str]] = {}
        """When a partition was last found to be behind, and a sentence about it."""
        self._sought = set[TopicPartition]()
        """Of which a batch may be on its way that was read before the seek."""
        self.restore_hooks: list[Callable[[], Awaitable[None]]] = []
        """Called when the database is found to be behind, before anything is read again.

        One that fails is called again, and nothing is read until then; several partitions call it each.
        """

    def keep_in(self, repository: PositionRepository) -> None:
        """Keeps positions from now on."""
        self._repository = repository

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Has partitions compared again, for they were assigned anew or taken away."""
        for partition in partitions:
            self._terms.pop(partition, None)
            self._stored.pop(partition, None)

    async def begin(self, consumer: SeekingConsumer, records: Sequence[ConsumerRecord]) -> Terms:
        """Returns the terms of those partitions of a batch that are to be handled: not of those sought back.

        Raises `TransientError` as `compare`.
        """
        offsets = next_offsets(records)
        terms = dict(await self.compare(consumer, offsets))
        for partition in self._sought & terms.keys():
            if (
                partition not in consumer.assignment()
                or await consumer.position(partition) < offsets[partition]
            ):
                del terms[partition]
            else:
                self._sought.discard(partition)
        return terms

    def abandon(self, terms: Terms) -> None:
        """Has partitions compared again that were sought back while a batch of theirs failed.

        The batch is sought back too, to its own first record, which lies behind the gap.
        """
        self.forget([partition for partition, term in terms.items() if self._terms.get(partition) != term])

    async def compare(self, consumer: SeekingConsumer, partitions: Iterable[TopicPartition]) -> Terms:
        """Compares the partitions that were not yet; returns the terms of those that may be read on.

        Raises `TransientError` when Kafka or the store does not answer.
        """
        wanted = set(partitions)
        async with self._lock:
            sought = set[TopicPartition]()
            if self._repository and (fresh := wanted - self._terms.keys()):
                sought = await self._compare(self._repository, consumer, fresh)
            for partition in wanted - self._terms.keys():
                self._terms[partition] = next(self._numbers)
            return {partition: self._terms[partition] for partition in wanted - sought}

    async def advance(self, terms: Terms, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Stores how far a batch has brought the database; returns those offsets that may be committed."""
        async with self._lock:
            current = {p: offset for p, offset in offsets.items() if self._terms.get(p) == terms.get(p, -1)}
            if self._repository and current:
                await self._repository.advance(current)
                self._stored |= current
            return current

    async def find_restored(self, consumers: Sequence[SeekingConsumer]) -> None:
        """Compares every assigned partition, and seeks back where the database has lost what it had."""
        for consumer in consumers:
            await self.compare(consumer, consumer.assignment())
        async with self._lock:
            if self._repository is None or not self._stored:
                return
            now_stored = await self._repository.find(self._stored)
            lost = {p for p, offset in self._stored.items() if now_stored.get(p, -1) < offset}
        self.forget(lost)
        for consumer in consumers:
            await self.compare(consumer, lost & consumer.assignment())

    def degradation(self) -> str | None:
        """Returns which partitions are read again, for a while after they were found to be behind."""
        shown_since = self._monotonic() - _SHOWN_FOR.total_seconds()
        self._behind = {p: found for p, found in self._behind.items() if found[0] > shown_since}
        if not self._behind:
            return None
        partitions = "; ".join(sentence for _, (_, sentence) in sorted(self._behind.items()))
        return (
            f"the database was older than what Kafka counts as read, as after a restore: {partitions}. What "
            "people had decided since is lost (deploy/README.md, Backups)"
        )

    async def _compare(
        self, repository: PositionRepository, consumer: SeekingConsumer, partitions: set[TopicPartition]
    ) -> set[TopicPartition]:
        """Returns the partitions in which the consumer was sought back."""
        stored, adopted = await repository.find(partitions), dict[TopicPartition, int]()
        behind: dict[TopicPartition, tuple[int, int]] = {}
        for partition in sorted(partitions):
            committed, offset = await _committed(consumer, partition), stored.get(partition)
            if committed is None or committed == offset:
                continue
            if offset is None and await repository.began_empty():
                offset = 0
            first = committed if offset is None else max(offset, await _first(consumer, partition))
            if first >= committed:
                adopted[partition] = committed  # so that the next comparison has something to compare
            else:
                behind[partition] = first, committed
        if behind:
            for hook in self.restore_hooks:
                await hook()
        for partition, (first, committed) in behind.items():
            self._seek(consumer, partition, first, committed)
        await repository.set(adopted)
        return {*behind}

    def _seek(
        self, consumer: SeekingConsumer, partition: TopicPartition, offset: int, committed: int
    ) -> None:
        consumer.seek(partition, offset)
        self._sought.add(partition)
        where = f"{partition.topic}:{partition.partition}"
        log.error("database_behind_offsets", partition=where, committed=committed, read_again_from=offset)
        sentence = f"{where} is read again from {offset:,}, was {committed:,}"
        self._behind[partition] = self._monotonic(), sentence


async def _committed(consumer: SeekingConsumer, partition: TopicPartition) -> int | None:
    try:
        async with asyncio.timeout(_OFFSET_TIMEOUT.total_seconds()):  # the client waits for ever
            return await consumer.committed(partition)
    except (KafkaError, TimeoutError) as error:
        raise TransientError(f"Kafka does not tell an offset: {error!r}") from error


async def _first(consumer: SeekingConsumer, partition: TopicPartition) -> int:
    """Returns the offset of the first record that retention has left."""
    try:
        return (await consumer.beginning_offsets([partition]))[partition]
    except KafkaError as error:  # its time-out among them
        raise TransientError(f"Kafka does not tell an offset: {error!r}") from error


def positions_of(broker: KafkaBroker) -> DatabasePositions:
    """Returns the positions of the broker's consumers, the same object for the same broker."""
    positions: DatabasePositions | None = broker.context.get(_KEY)
    if positions is None:
        positions = DatabasePositions()
        broker.context.set_global(_KEY, positions)
    return positions


def next_offsets(records: Iterable[ConsumerRecord]) -> dict[TopicPartition, int]:
    """Returns the offset behind the last record of each partition."""
    offsets: dict[TopicPartition, int] = {}
    for record in records:
        partition = TopicPartition(record.topic, record.partition)
        offsets[partition] = max(record.offset + 1, offsets.get(partition, 0))
    return offsets
