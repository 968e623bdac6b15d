"""Every topic read from its first record to its last, as models."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from shared.contracts import MESSAGES, Message, State
from shared.kafka import dead_letter_topic
from shared.kafka.topics import CONSUMING_SERVICES

M = TypeVar("M", bound=Message)
S = TypeVar("S", bound=State)

_MODELS = {model.topic: model for model in MESSAGES}
_LETTERS = tuple(dead_letter_topic(service) for service in CONSUMING_SERVICES)


@dataclass(frozen=True, slots=True)
class Said:
    """All that was ever said, in the order of each partition; what came twice is here twice."""

    messages: tuple[Message, ...]
    letters: tuple[ConsumerRecord, ...]
    """What was set aside."""

    def of(self, model: type[M]) -> list[M]:
        return [message for message in self.messages if type(message) is model]

    def newest(self, model: type[S]) -> list[S]:
        """The present state of each thing."""
        return newest(self.of(model))


def newest(states: Iterable[S]) -> list[S]:
    """By key, the one with the largest revision."""
    found: dict[str, S] = {}
    for state in states:
        if state.key not in found or found[state.key].revision < state.revision:
            found[state.key] = state
    return list(found.values())


async def everything_said(kafka: str) -> Said:
    """Reads to the ends as they are when it begins."""
    records = await _records(kafka)
    messages = [
        _MODELS[one.topic].model_validate_json(one.value)
        for one in records
        if one.topic in _MODELS and one.value
    ]
    return Said(tuple(messages), tuple(one for one in records if one.topic in _LETTERS))


async def _records(kafka: str) -> list[ConsumerRecord]:
    consumer = AIOKafkaConsumer(*_MODELS, *_LETTERS, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        records: list[ConsumerRecord] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for some in (await consumer.getmany(timeout_ms=200)).values():
                records += some
    finally:
        await consumer.stop()
    return records
