"""Keeps in the service's own database how far it has come in each partition that it consumes."""

from collections.abc import Iterable, Mapping

from aiokafka import TopicPartition

from shared.mongo import Mongo, Update

_COLLECTION = "consumer_positions"
_DATABASE_ID = "database"


class PositionRepository:
    """The next offset of each partition; every method raises `TransientError` when the store is away."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo, self._rows = mongo, mongo.all_tenants(_COLLECTION)

    async def prepare(self) -> None:
        """Notes whether the database was empty when positions were first kept in it.

        To be called before the service has stored anything: then a partition without a position is one of
        which this database has seen nothing, and not one that an older release consumed.
        """
        if await self._rows.get(_DATABASE_ID) is None:
            await self._rows.insert_new([{"_id": _DATABASE_ID, "was_empty": await self._mongo.is_empty()}])

    async def began_empty(self) -> bool:
        """Tells whether the database had nothing in it; one whose note is gone was emptied meanwhile."""
        await self._rows.insert_new([{"_id": _DATABASE_ID, "was_empty": True}])
        note = await self._rows.get(_DATABASE_ID)
        return note is not None and bool(note["was_empty"])

    async def find(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Returns the positions that are known."""
        ids = {_id(partition): partition for partition in partitions}
        rows = await self._rows.get_many(ids)
        return {partition: rows[id_]["offset"] for id_, partition in ids.items() if id_ in rows}

    async def advance(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Moves positions forward; one that is further already stays."""
        await self._change("$max", offsets)

    async def set(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Moves positions, backward too."""
        await self._change("$set", offsets)

    async def _change(self, operator: str, offsets: Mapping[TopicPartition, int]) -> None:
        await self._rows.bulk(
            [
                Update({"_id": _id(partition)}, {operator: {"offset": offset}}, upsert=True)
                for partition, offset in offsets.items()
            ]
        )


def _id(partition: TopicPartition) -> str:
    return f"{partition.topic}:{partition.partition}"
