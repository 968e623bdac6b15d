"""One consumer of one topic, as the product's pipeline knows it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.kafka.tolerant_consumer import TolerantConsumer
from tests.simulation.log import Log, LogRecord
from tests.simulation.network import Link, Network
from tests.simulation.process import Process

_LINK = Link(shortest=0.001, longest=0.03, lost=0.0006, slow=0.003)


class SimulatedConsumer(TolerantConsumer):
    """Positions and pauses of the partitions that this process reads; it connects to nothing."""

    def __init__(self, process: Process, log: Log, network: Network, topic: str, group: str) -> None:
        # Not the library's constructor, which would connect.
        self.process, self.topic, self.group = process, topic, group
        self._log, self._network = log, network
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self.handled: Mapping[TopicPartition, int] = {}
        self._news = asyncio.Event()
        log.wake_at_news(topic, self._wake)
        self.on_assigned: Callable[[set[TopicPartition]], None] = _ignore
        self.on_revoked: Callable[[set[TopicPartition]], None] = _ignore

    # As the pipeline and its tools ask.

    def assignment(self) -> set[TopicPartition]:
        return set(self._positions)

    def paused(self) -> set[TopicPartition]:
        return set(self._paused)

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused |= set(partitions) & self._positions.keys()

    def resume(self, *partitions: TopicPartition) -> None:
        self._paused -= set(partitions)

    async def position(self, partition: TopicPartition) -> int:
        return self._positions.get(partition, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if partition in self._positions:
            self._positions[partition] = offset

    async def committed(self, partition: TopicPartition) -> int | None:
        return await self._ask(lambda: self._log.committed.get((self.group, partition)))

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def _ask(self, serve: Callable[[], Any]) -> Any:
        return await self._network.call(_LINK, serve, lambda _: KafkaConnectionError())

    # As the broker does.

    def assign_now(self, partitions: set[TopicPartition]) -> None:
        """Takes over what the group gave this consumer; positions begin where the group committed last."""
        gone, new = self._positions.keys() - partitions, partitions - self._positions.keys()
        for partition in gone:
            del self._positions[partition]
            self._paused.discard(partition)
        for partition in new:
            self._positions[partition] = self._log.committed.get((self.group, partition), 0)
        if self.process.is_running:
            if gone:
                self.process.run(lambda: self.on_revoked(set(gone)))
            if new:
                self.process.run(lambda: self.on_assigned(new))

    def take(self, partition: TopicPartition, limit: int) -> list[ConsumerRecord]:
        found = self._log.visible(partition, self._positions[partition], limit)
        if found:
            self._positions[partition] = found[-1].offset + 1
        return [_consumer_record(record) for record in found]

    def seek_back(self, records: Sequence[ConsumerRecord]) -> None:
        for record in reversed(records):
            self.seek(TopicPartition(record.topic, record.partition), record.offset)

    def store_commit(self) -> None:
        for partition, offset in self.handled.items():
            if partition in self._positions:
                self._log.committed[self.group, partition] = offset

    async def wait(self, seconds: float) -> None:
        """Waits for news."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    def _wake(self) -> None:
        if self.process.is_running:
            self._news.set()


def _ignore(_: set[TopicPartition]) -> None:
    return


def _consumer_record(record: LogRecord) -> ConsumerRecord:
    return ConsumerRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=int(record.appended_at * 1000),
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=len(record.key or b""),
        serialized_value_size=len(record.value),
        headers=record.headers,
    )
