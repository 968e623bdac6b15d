"""Dirty marks: what was stored and is being published, and so may not have arrived.

A mark names a whole batch: stored together with the batch's rows, removed once Kafka has acknowledged it.
Two small writes for hundreds of observations, where a flag in each row would write every row twice.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from shared.mongo import Mongo, Session

COLLECTION = "dirty"


@dataclass(frozen=True, slots=True)
class DirtyBatch:
    """The ids of rows."""

    ids: tuple[str, ...]
    id: str

    @classmethod
    def of(cls, ids: Collection[str]) -> Self:
        return cls(tuple(ids), uuid4().hex)


class DirtyBatches:
    """The marks of one integration."""

    def __init__(self, mongo: Mongo, tenant_id: str, integration_id: str) -> None:
        self._documents = mongo.documents(COLLECTION, tenant_id)
        self._ours = {"integration_id": integration_id}

    async def keep(self, mark: DirtyBatch, *, session: Session | None = None) -> None:
        """Set it, or set it again."""
        await self._documents.put({"_id": mark.id, "ids": mark.ids, **self._ours}, session=session)

    async def all(self) -> list[DirtyBatch]:
        return [DirtyBatch(tuple(row["ids"]), row["_id"]) for row in await self._documents.find(self._ours)]

    async def dirty(self) -> set[str]:
        """The ids of all rows that may not have arrived as they stand.

        Read rows before: what somebody is just publishing was marked with its row.
        """
        return {id_ for mark in await self.all() for id_ in mark.ids}

    async def remove(self, mark: DirtyBatch) -> None:
        await self._documents.remove({"_id": mark.id})
