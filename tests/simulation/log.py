"""The log that stands in for Kafka: topics of partitions, what was appended when, and what groups committed."""

# Invariant: a record is in one partition for ever, behind every record that was appended before it; which
# partition, its key decides. Readers see a record a while after it was appended, and never before those in
# front of it; between partitions anything may overtake.

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from dataclasses import dataclass
from random import Random
from zlib import crc32

from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from tests.simulation.virtual_loop import VirtualLoop

PARTITIONS = 3
_SLOWEST_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record, as it was appended."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    appended_at: float
    visible_at: float


class Log:
    """All topics."""

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self._loop, self._random = loop, random
        self.records: defaultdict[TopicPartition, list[LogRecord]] = defaultdict(list)
        self.committed: dict[tuple[str, TopicPartition], int] = {}
        self._epochs: defaultdict[str, int] = defaultdict(int)
        self._readers: defaultdict[str, list[Callable[[], None]]] = defaultdict(list)
        self.is_slow = True
        """Whether records may take long to become visible; turned off when a run is to calm down."""

    def append(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, str]) -> LogRecord:
        number = crc32(key) % PARTITIONS if key is not None else self._random.randrange(PARTITIONS)
        records = self.records[TopicPartition(topic, number)]
        now, delay = self._loop.time(), self._random.random() ** 8 * _SLOWEST_SECONDS if self.is_slow else 0.0
        record = LogRecord(
            topic,
            number,
            len(records),
            key,
            value,
            tuple((name, text.encode()) for name, text in headers.items()),
            now,
            max(now + 0.002 + delay, records[-1].visible_at if records else 0.0),
        )
        records.append(record)
        for wake in self._readers[topic]:
            self._loop.call_at(record.visible_at, wake, context=Context())
        return record

    def wake_at_news(self, topic: str, wake: Callable[[], None]) -> None:
        """Calls `wake` whenever a record of the topic becomes visible."""
        self._readers[topic].append(wake)

    def partitions_of(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in range(PARTITIONS)]

    def visible(self, partition: TopicPartition, position: int, limit: int) -> list[LogRecord]:
        now = self._loop.time()
        found = []
        for record in self.records[partition][position : position + limit]:
            if record.visible_at > now:
                break
            found.append(record)
        return found

    def of_topic(self, topic: str) -> Iterator[LogRecord]:
        """Every record of a topic, in the order of appending."""
        records = [record for one in self.partitions_of(topic) for record in self.records[one]]
        yield from sorted(records, key=lambda record: (record.appended_at, record.partition, record.offset))

    def end(self, partition: TopicPartition) -> int:
        return len(self.records[partition])

    def open_name(self, name: str) -> int:
        """Opens a name for publishing; whoever had it before publishes nothing under it any more."""
        self._epochs[name] += 1
        return self._epochs[name]

    def require_epoch(self, name: str, epoch: int) -> None:
        if self._epochs[name] != epoch:
            raise ProducerFenced
