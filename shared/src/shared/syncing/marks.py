"""Dirty marks: what is being published, and so may not have arrived.

A mark names a whole batch: written before the batch's rows and their publishing, removed after. Two small
writes for hundreds of observations, where a flag in each row would write every row twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

from shared.mongo import Document, Mongo

COLLECTION = "dirty"


@dataclass(frozen=True, slots=True)
class Mark:
    """The ids of rows, each with the revision that is, or was to be, published."""

    revisions: Mapping[str, int]
    id: str

    @classmethod
    def of(cls, revisions: Mapping[str, int]) -> Self:
        return cls(revisions, uuid4().hex)

    def names(self, id_: str, revision: int) -> bool:
        """Whether this revision of a row may not have arrived; an older one did, before the mark was set."""
        return id_ in self.revisions and revision >= self.revisions[id_]

    def landed(self, rows: Mapping[str, Document]) -> bool:
        """Whether every row was written; until then whoever set the mark may yet write them."""
        return all(id_ in rows and rows[id_]["revision"] >= at for id_, at in self.revisions.items())


class Marks:
    """The marks of one integration."""

    def __init__(self, mongo: Mongo, tenant_id: str, integration_id: str) -> None:
        self._documents = mongo.documents(COLLECTION, tenant_id)
        self._ours = {"integration_id": integration_id}

    async def keep(self, mark: Mark) -> None:
        """Set it, or set it again."""
        # Ids hold dots, which field names must not.
        ids, revisions = list(mark.revisions), list(mark.revisions.values())
        await self._documents.put({"_id": mark.id, "ids": ids, "revisions": revisions, **self._ours})

    async def all(self) -> list[Mark]:
        rows = await self._documents.find(self._ours)
        return [Mark(dict(zip(row["ids"], row["revisions"], strict=True)), row["_id"]) for row in rows]

    async def dirty(self, rows: Mapping[str, Document]) -> set[str]:
        """Those of these rows (by id) that may not have arrived as they stand.

        Read them before: what somebody is just publishing was marked before it was written.
        """
        marks = await self.all()
        return {id_ for id_, row in rows.items() for mark in marks if mark.names(id_, row["revision"])}

    async def ids(self) -> set[str]:
        """Of all rows that are named, written or not."""
        return {id_ for mark in await self.all() for id_ in mark.revisions}

    async def remove(self, mark: Mark) -> None:
        await self._documents.remove({"_id": mark.id})
