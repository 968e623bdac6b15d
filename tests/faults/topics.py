"""Reads every topic from its first record to its last, as models."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from shared.contracts import MESSAGES, Message, State
from shared.kafka import client_options, dead_letter_topic
from shared.kafka.topics import CONSUMING_SERVICES
from shared.runtime.settings import KafkaSettings

M = TypeVar("M", bound=Message)
S = TypeVar("S", bound=State)

_MODELS = {model.topic: model for model in MESSAGES}
_DEAD_LETTER_TOPICS = tuple(dead_letter_topic(service) for service in CONSUMING_SERVICES)


@dataclass(frozen=True, slots=True)
class TopicContents:
    """All records of all topics, in the order of each partition; a record published twice is here twice."""

    messages: tuple[Message, ...]
    dead_letters: tuple[ConsumerRecord, ...]

    def of(self, model: type[M]) -> list[M]:
        return [message for message in self.messages if type(message) is model]

    def newest(self, model: type[S]) -> list[S]:
        """Return the present state of each thing."""
        return newest(self.of(model))


def newest(states: Iterable[S]) -> list[S]:
    """Return the state with the largest revision of each key."""
    by_key: dict[str, S] = {}
    for state in states:
        if state.key not in by_key or by_key[state.key].revision < state.revision:
            by_key[state.key] = state
    return list(by_key.values())


async def read_topics(kafka: KafkaSettings) -> TopicContents:
    """Read up to the ends as they are when the reading begins."""
    records = await _read_records(kafka)
    messages = [
        # A null value asks compaction to forget a key; it states nothing.
        _MODELS[record.topic].model_validate_json(record.value)
        for record in records
        if record.topic in _MODELS and record.value
    ]
    dead_letters = [record for record in records if record.topic in _DEAD_LETTER_TOPICS]
    return TopicContents(tuple(messages), tuple(dead_letters))


async def _read_records(kafka: KafkaSettings) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(
        *_MODELS, *_DEAD_LETTER_TOPICS, **client_options(kafka), auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        records: list[ConsumerRecord] = []
        # Positions, not counts: transaction markers take offsets too, and are never handed out.
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                records += batch
    finally:
        await consumer.stop()
    return records
