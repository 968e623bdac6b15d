"""Keeps what operators want of partitions in the service's own database."""

from aiokafka import TopicPartition

from shared.kafka.partition_controls import Pause, Skip
from shared.mongo import Document, Mongo, Put

_COLLECTION = "consumer_controls"


class ControlRepository:
    """Pauses and skips, each a document; every method raises `TransientError` when the store is away."""

    def __init__(self, mongo: Mongo) -> None:
        self._rows = mongo.all_tenants(_COLLECTION)

    async def find_all(self) -> list[Pause | Skip]:
        return [_control(row) for row in await self._rows.find()]

    async def put(self, controls: list[Pause] | list[Skip]) -> None:
        """Stores controls, each in place of one of its kind for the same partition."""
        await self._rows.bulk([Put(_document(control)) for control in controls])

    async def remove_pauses(self, partitions: list[TopicPartition]) -> int:
        """Removes pauses; returns how many there were."""
        return await self._rows.remove_many(_id("pause", partition) for partition in partitions)

    async def remove_skip(self, partition: TopicPartition, *, before: int | None = None) -> bool:
        """Removes a partition's skip, or only one before that offset; tells whether there was one."""
        offset = {} if before is None else {"before": before}
        return bool(await self._rows.remove({"_id": _id("skip", partition), **offset}))


def _id(kind: str, partition: TopicPartition) -> str:
    return f"{kind} {partition.topic}:{partition.partition}"


def _document(control: Pause | Skip) -> Document:
    kind, partition = ("skip" if isinstance(control, Skip) else "pause"), control.partition
    return {
        "_id": _id(kind, partition),
        "topic": partition.topic,
        "partition": partition.partition,
        "before": control.before if isinstance(control, Skip) else None,
        "reason": control.reason,
        "by": control.by,
        "at": control.at,
    }


def _control(row: Document) -> Pause | Skip:
    partition = TopicPartition(row["topic"], row["partition"])
    if row["before"] is None:
        return Pause(partition, row["reason"], row["by"], row["at"])
    return Skip(partition, row["before"], row["reason"], row["by"], row["at"])
