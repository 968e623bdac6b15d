"""A collection as use-case methods; cursors and the driver's types stay in here."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pymongo import DeleteMany, InsertOne, ReplaceOne, ReturnDocument, UpdateOne
from pymongo.errors import BulkWriteError

from shared.errors import TransientError
from shared.mongo.changes import (
    Change,
    Document,
    Filter,
    Put,
    Replace,
    Session,
    Update,
    duplicates,
    translated,
)

_ROUNDS = 8
_VALUES_AT_ONCE = 50
"""The embedded store's `$in` takes time with the square of its length: 500 ids in pieces cost a fifth."""

Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Documents:
    """A collection; when bound to a tenant, every filter and document carries that tenant."""

    _collection: Any
    _bound: Document = field(default_factory=dict)

    async def get(self, id_: str, *, session: Session | None = None) -> Document | None:
        with translated(session):
            found: Document | None = await self._collection.find_one(self._of({"_id": id_}), session=session)
            return found

    async def get_many(
        self, ids: Iterable[str], *, fields: Sequence[str] | None = None, session: Session | None = None
    ) -> dict[str, Document]:
        """Returns the documents that exist, by `_id`."""
        rows = await self.find_in("_id", ids, fields=fields, session=session)
        return {row["_id"]: row for row in rows}

    async def find_in(
        self,
        field: str,
        values: Iterable[str],
        *,
        where: Filter | None = None,
        fields: Sequence[str] | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        """Returns the documents whose `field` has one of the values; asks nothing for no values."""
        found: list[Document] = []
        for values_filter in _in_filters(field, values):
            found += await self.find({**(where or {}), **values_filter}, fields=fields, session=session)
        return found

    async def find(
        self,
        filter_: Filter | None = None,
        *,
        sort: Sort | None = None,
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        with translated(session):
            cursor = self._collection.find(self._of(filter_), fields, skip, limit, session=session)
            rows: list[Document] = await (cursor.sort(list(sort)) if sort else cursor).to_list(None)
            return rows

    async def stream(
        self, filter_: Filter | None = None, *, sort: Sort | None = None, fields: Sequence[str] | None = None
    ) -> AsyncGenerator[Document, None]:
        """Rows one by one, with bounded memory; who stops early closes it (`aclosing`)."""
        with translated():
            cursor = self._collection.find(self._of(filter_), fields)
            async for row in cursor.sort(list(sort)) if sort else cursor:
                yield row

    async def count(self, filter_: Filter | None = None, *, session: Session | None = None) -> int:
        with translated(session):
            number: int = await self._collection.count_documents(self._of(filter_), session=session)
            return number

    async def distinct(self, name: str, filter_: Filter | None = None) -> list[Any]:
        with translated():
            values: list[Any] = await self._collection.distinct(name, self._of(filter_))
            return values

    async def distinct_in(self, name: str, field: str, values: Iterable[str]) -> set[Any]:
        """Returns what the documents whose `field` has one of the values hold under `name`."""
        return {
            value
            for values_filter in _in_filters(field, values)
            for value in await self.distinct(name, values_filter)
        }

    async def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        stages = [{"$match": self._bound}, *pipeline] if self._bound else list(pipeline)
        with translated(session):
            rows: list[Document] = await self._collection.aggregate(stages, session=session).to_list(None)
            return rows

    async def insert(self, document: Document, *, session: Session | None = None) -> None:
        """Raises `Conflict` when the `_id` or a unique index is taken."""
        with translated(session):
            await self._collection.insert_one(self._own(document), session=session)

    async def insert_many(self, documents: Iterable[Document], *, session: Session | None = None) -> None:
        """Raises `Conflict` when any `_id` or a unique index is taken."""
        rows = [self._own(document) for document in documents]
        with translated(session):
            if rows:
                await self._collection.insert_many(rows, ordered=False, session=session)

    async def insert_new(self, documents: Iterable[Document]) -> None:
        """Insert those whose `_id` is not there yet; the others stay as they are."""
        await self._all_written([InsertOne(self._own(document)) for document in documents], None)

    async def put(self, document: Document, *, session: Session | None = None) -> None:
        await self.bulk([Put(document)], session=session)

    async def change(
        self,
        filter_: Filter,
        update: Mapping[str, Any],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> bool:
        """Change the first match; tells whether there was one."""
        with translated(session):
            result = await self._collection.update_one(self._of(filter_), update, upsert, session=session)
            return bool(result.matched_count)

    async def change_many(
        self, filter_: Filter, update: Mapping[str, Any], *, session: Session | None = None
    ) -> int:
        with translated(session):
            result = await self._collection.update_many(self._of(filter_), update, session=session)
            return int(result.matched_count)

    async def take(
        self,
        filter_: Filter,
        update: Mapping[str, Any],
        *,
        sort: Sort | None = None,
        upsert: bool = False,
        session: Session | None = None,
    ) -> Document | None:
        """Change the first match and return it as it is afterwards."""
        with translated(session):
            found: Document | None = await self._collection.find_one_and_update(
                self._of(filter_),
                update,
                sort=list(sort) if sort else None,
                upsert=upsert,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return found

    async def remove(self, filter_: Filter, *, session: Session | None = None) -> int:
        with translated(session):
            result = await self._collection.delete_many(self._of(filter_), session=session)
            return int(result.deleted_count)

    async def remove_many(self, ids: Iterable[str], *, session: Session | None = None) -> int:
        return sum([await self.remove(some, session=session) for some in _in_filters("_id", ids)])

    async def bulk(self, changes: Sequence[Change], *, session: Session | None = None) -> None:
        """Several changes in one round trip, in any order."""
        if changes:
            with translated(session):
                operations = [self._operation(change) for change in changes]
                await self._collection.bulk_write(operations, ordered=False, session=session)

    async def forward(
        self,
        documents: Iterable[Document],
        *,
        known: Mapping[str, Document] | None = None,
        session: Session | None = None,
    ) -> list[Document]:
        """Store each document unless a row with the same or a larger `revision` is there.

        Looks first, unless `known` tells what was there a moment ago, and writes only what is newer: several
        times as fast for new documents as guarded upserts, and nothing is sent for stale news. Returns what
        was written, each `_id` once.
        """
        pending, tried = _newest(self._own(document) for document in documents), dict[str, Document]()
        written: list[Document] = []
        for _ in range(_ROUNDS):
            if known is None:
                known = await self.get_many(pending, fields=["revision"], session=session)
            # What stands with the revision that an earlier round tried to write is what it wrote.
            written += [row for id_, row in tried.items() if _stands(row, known.get(id_))]
            pending = {id_: row for id_, row in pending.items() if _is_newer(row, known.get(id_))}
            if await self._all_written([self._forward_one(row, known) for row in pending.values()], session):
                return [*written, *pending.values()]
            tried, known = pending, None
        raise TransientError(f"{len(pending)} documents are being written by others at the same time")

    def _forward_one(self, document: Document, known: Mapping[str, Document]) -> Any:
        if document["_id"] not in known:
            return InsertOne(document)
        older = {"_id": document["_id"], "revision": {"$lt": document["revision"]}}
        return ReplaceOne(self._of(older), document)

    async def _all_written(self, operations: Sequence[Any], session: Session | None) -> bool:
        """Write; False when somebody else was there first with an `_id`, or with a newer revision."""
        if not operations:
            return True
        with translated(session):
            try:
                done = await self._collection.bulk_write(operations, ordered=False, session=session)
            except BulkWriteError as error:
                duplicates(error)  # raises what is none
                return False
        return bool(done.inserted_count + done.matched_count == len(operations))

    def _of(self, filter_: Filter | None) -> Document:
        return {**(filter_ or {}), **self._bound}

    def _own(self, document: Document) -> Document:
        return {**document, **self._bound}

    def _operation(self, change: Change) -> Any:
        if isinstance(change, Put):
            own = self._own(change.document)
            return ReplaceOne(self._of({"_id": own["_id"]}), own, upsert=True)
        if isinstance(change, Replace):
            return ReplaceOne(self._of(change.filter), self._own(change.document))
        if isinstance(change, Update):
            return UpdateOne(self._of(change.filter), change.update, upsert=change.upsert)
        return DeleteMany(self._of(change.filter))


def _in_filters(field: str, values: Iterable[str]) -> Iterator[Filter]:
    rest = iter(values)
    while batch := list(islice(rest, _VALUES_AT_ONCE)):
        yield {field: {"$in": batch}}


def _newest(documents: Iterable[Document]) -> dict[str, Document]:
    newest: dict[str, Document] = {}
    for document in documents:
        if _is_newer(document, newest.get(document["_id"])):
            newest[document["_id"]] = document
    return newest


def _stands(document: Document, known: Document | None) -> bool:
    return known is not None and bool(known["revision"] == document["revision"])


def _is_newer(document: Document, known: Document | None) -> bool:
    return known is None or bool(known["revision"] < document["revision"])
