"""A collection as use-case methods; cursors and the driver's types stay in here."""

# Invariant: a collection that is bound to a tenant reads and writes that tenant's documents only. `_scope`
# is merged into every filter and every document last, so that it wins over whatever a caller put there.

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any

from pymongo import DeleteMany, InsertOne, ReplaceOne, ReturnDocument, UpdateOne

from shared.mongo.changes import Change, Document, Filter, Put, Replace, Session, Update
from shared.mongo.driver_errors import translate_errors
from shared.mongo.newer_upsert import upsert_newer, write_all

_MAX_VALUES = 100
"""A server answers with 101 documents at first: for more it would have to be asked again."""

Sort = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Documents:
    """A collection; every method raises `TransientError` when the store does not answer or is contended.

    It raises `RuleBroken` for a value that the store cannot hold, and `TypeError` for an id that is no text.
    """

    _collection: Any
    _scope: Document = field(default_factory=dict)
    """What every document of this collection carries, as `tenant_id`; empty across tenants."""

    async def get(self, id_: str, *, session: Session | None = None) -> Document | None:
        filter_ = self._scoped({"_id": _text(id_)})
        with translate_errors(session):
            found: Document | None = await self._collection.find_one(filter_, session=session)
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
        """Returns documents whose `field` (not a list) is one of the values, and match `where`.

        Each document comes once, in no order; no values ask nothing of the store.
        """
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
        """Returns the documents that match: all for a `limit` of 0; `_id` and `fields` alone, if given."""
        with translate_errors(session):
            cursor = self._collection.find(self._scoped(filter_), fields, skip, limit, session=session)
            rows: list[Document] = await (cursor.sort(list(sort)) if sort else cursor).to_list(None)
            return rows

    async def stream(
        self, filter_: Filter | None = None, *, sort: Sort | None = None, fields: Sequence[str] | None = None
    ) -> AsyncGenerator[Document, None]:
        """Yields documents, of which a thousand are in memory; whoever stops early closes it (`aclosing`)."""
        with translate_errors():
            cursor = self._collection.find(self._scoped(filter_), fields, batch_size=1_000)
            async for row in cursor.sort(list(sort)) if sort else cursor:
                yield row

    async def count(
        self, filter_: Filter | None = None, *, limit: int = 0, session: Session | None = None
    ) -> int:
        """Returns how many documents match; counts no further than to a `limit`, unless that is 0."""
        more = {"limit": limit} if limit else {}  # the driver takes no 0 here
        with translate_errors(session):
            return int(await self._collection.count_documents(self._scoped(filter_), session=session, **more))

    async def distinct(self, name: str, filter_: Filter | None = None) -> list[Any]:
        with translate_errors():
            values: list[Any] = await self._collection.distinct(name, self._scoped(filter_))
            return values

    async def distinct_in(self, name: str, field: str, values: Iterable[str]) -> set[Any]:
        """Returns what the documents whose `field` has one of the values hold under `name`."""
        filters = _in_filters(field, values)
        return {value for one in filters for value in await self.distinct(name, one)}

    async def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> list[Document]:
        stages = [{"$match": self._scope}, *pipeline] if self._scope else list(pipeline)
        with translate_errors(session):
            rows: list[Document] = await self._collection.aggregate(stages, session=session).to_list(None)
            return rows

    async def insert(self, document: Document, *, session: Session | None = None) -> None:
        """Inserts one document; raises `Conflict` when the `_id` or a unique index is taken."""
        with translate_errors(session):
            await self._collection.insert_one(self._scoped(document), session=session)

    async def insert_many(self, documents: Iterable[Document], *, session: Session | None = None) -> None:
        """Inserts documents in any order; raises `Conflict` when any `_id` or a unique index is taken."""
        rows = [self._scoped(document) for document in documents]
        with translate_errors(session):
            if rows:
                await self._collection.insert_many(rows, ordered=False, session=session)

    async def insert_new(self, documents: Iterable[Document]) -> None:
        """Inserts the documents whose `_id` is not there yet; the others stay as they are.

        Outside a transaction this is the way to insert even what has an id of its own: a write whose answer
        was lost is sent again by the driver, and a store that was stopped has forgotten that it took it.
        """
        await write_all(self._collection, None, [InsertOne(self._scoped(document)) for document in documents])

    async def put(self, document: Document, *, session: Session | None = None) -> None:
        """Inserts one document, or replaces the document with its `_id`."""
        await self.bulk([Put(document)], session=session)

    async def change(
        self,
        filter_: Filter,
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> bool:
        """Updates the first match; tells whether there was one. An update may be a pipeline of stages."""
        with translate_errors(session):
            result = await self._collection.update_one(self._scoped(filter_), update, upsert, session=session)
            return bool(result.matched_count)

    async def change_many(
        self, filter_: Filter, update: Mapping[str, Any], *, session: Session | None = None
    ) -> int:
        """Updates every match; returns how many there were."""
        with translate_errors(session):
            result = await self._collection.update_many(self._scoped(filter_), update, session=session)
            return int(result.matched_count)

    async def take(
        self,
        filter_: Filter,
        update: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        sort: Sort | None = None,
        upsert: bool = False,
        session: Session | None = None,
    ) -> Document | None:
        """Updates the first match atomically, and returns it as it is afterwards; None when there is none."""
        with translate_errors(session):
            found: Document | None = await self._collection.find_one_and_update(
                self._scoped(filter_),
                update,
                sort=list(sort) if sort else None,
                upsert=upsert,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            return found

    async def remove(self, filter_: Filter, *, session: Session | None = None) -> int:
        """Removes every match; returns how many there were."""
        with translate_errors(session):
            result = await self._collection.delete_many(self._scoped(filter_), session=session)
            return int(result.deleted_count)

    async def remove_many(self, ids: Iterable[str], *, session: Session | None = None) -> int:
        return sum([await self.remove(ids_filter, session=session) for ids_filter in _in_filters("_id", ids)])

    async def bulk(self, changes: Sequence[Change], *, session: Session | None = None) -> int:
        """Makes several changes in one round trip, in any order; returns how many documents there were."""
        if not changes:
            return 0
        with translate_errors(session):
            operations = [self._bulk_operation(change) for change in changes]
            result = await self._collection.bulk_write(operations, ordered=False, session=session)
            return int(result.matched_count)

    async def upsert_newer(
        self,
        documents: Iterable[Document],
        *,
        existing: Mapping[str, Document] | None = None,
        keep: Mapping[str, Any] = MappingProxyType({}),
        session: Session | None = None,
    ) -> list[Document]:
        """Stores each document unless one with the same or a larger `revision` is there.

        `existing` is what was there a moment ago, by `_id`, if the caller has looked already. The fields of
        `keep` stay as they are stored; its values stand for them where a document has none. Returns what
        was written, each `_id` once. Raises `TransientError` when others keep writing the same documents.
        """
        return await upsert_newer(
            (self._scoped(document) for document in documents),
            scope=self._scope,
            look_up=partial(self.get_many, fields=["revision", *keep], session=session),
            write=partial(write_all, self._collection, session),
            existing=existing,
            keep=keep,
        )

    def _scoped(self, filter_or_document: Mapping[str, Any] | None) -> Document:
        return {**(filter_or_document or {}), **self._scope}

    def _bulk_operation(self, change: Change) -> Any:
        if isinstance(change, Put):
            document = self._scoped(change.document)
            return ReplaceOne(self._scoped({"_id": _text(document["_id"])}), document, upsert=True)
        if isinstance(change, Replace):
            return ReplaceOne(self._scoped(change.filter), self._scoped(change.document))
        if isinstance(change, Update):
            return UpdateOne(self._scoped(change.filter), change.update, upsert=change.upsert)
        return DeleteMany(self._scoped(change.filter))


def _in_filters(field: str, values: Iterable[str]) -> Iterator[Filter]:
    # Each value once: in two batches it would find the same documents twice.
    rest = iter(dict.fromkeys(_text(value) for value in values))
    while batch := list(islice(rest, _MAX_VALUES)):
        yield {field: {"$in": batch}}


def _text(value: object) -> str:
    """Returns the text: any other value might be an operator, as `{"$gt": ""}`, which matches every text."""
    if not isinstance(value, str):
        raise TypeError(f"documents are asked for by a text, not by a {type(value).__name__}")
    return value
