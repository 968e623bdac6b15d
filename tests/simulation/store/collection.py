"""A collection as the driver gives it out, over a database in memory; each call is a request that travels."""

# It has exactly the calls that `shared.mongo` makes, and raises what the driver raises. What changes several
# documents outside a transaction may take effect in two pieces, with anything in between.

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from tests.simulation.store.cursor import Cursor, Sort
from tests.simulation.store.database import Document, Transaction, View
from tests.simulation.store.filters import equalities, matches, wanted_ids
from tests.simulation.store.index import UniqueIndex
from tests.simulation.store.pipelines import aggregate
from tests.simulation.store.updates import updated
from tests.simulation.store.values import copied, put_at, sort_key, value_at, values_at

if TYPE_CHECKING:
    from tests.simulation.store.client import Client, ClientSession


class Result:
    """The counts that the driver answers with."""

    def __init__(self, *, matched: int = 0, inserted: int = 0, deleted: int = 0) -> None:
        self.matched_count, self.inserted_count, self.deleted_count = matched, inserted, deleted


class SimulatedCollection:
    """One collection of one service's database, as one process reaches it."""

    def __init__(self, client: "Client", name: str) -> None:
        self._client, self._name = client, name

    async def create_index(
        self,
        keys: Sequence[tuple[str, int]],
        *,
        unique: bool = False,
        partialFilterExpression: Document | None = None,  # noqa: N803  as the driver's
        **_: Any,
    ) -> None:
        """Notes what must be unique; other indexes change only the speed, no TTL is as short as a run."""

        def note(view: View) -> None:
            index = UniqueIndex(tuple(name for name, _ in keys), partialFilterExpression)
            known = view.database.unique.setdefault(self._name, [])
            if unique and index not in known:
                known.append(index)

        await self._call(note, None)

    async def find_one(self, filter_: Document, session: Any = None) -> Document | None:
        rows = await self.find(filter_, None, 0, 1, session=session).to_list(None)
        return rows[0] if rows else None

    def find(  # noqa: PLR0917  as the driver's
        self,
        filter_: Document,
        fields: Any = None,
        skip: int = 0,
        limit: int = 0,
        session: Any = None,
        batch_size: int = 0,  # noqa: ARG002  all is in memory here
    ) -> "Cursor":

        def read(view: View, sort: Sort) -> list[Document]:
            found = _ordered(self._select(view, filter_), sort)
            found = found[skip : skip + limit] if limit else found[skip:]
            return [_projected(document, fields) for document in found]

        return Cursor(lambda sort: self._call(partial(read, sort=sort), session))

    async def count_documents(self, filter_: Document, session: Any = None, limit: int | None = None) -> int:
        return len((await self._call(lambda view: self._select(view, filter_), session))[:limit])

    async def distinct(self, name: str, filter_: Document) -> list[Any]:
        def read(view: View) -> list[Any]:
            values = [v for document in self._select(view, filter_) for v in values_at(document, name)]
            values = [one for v in values for one in (v if isinstance(v, list) else [v])]
            return [values[at] for at in range(len(values)) if values[at] not in values[:at]]

        found: list[Any] = await self._call(read, None)
        return found

    def aggregate(self, pipeline: Sequence[Mapping[str, Any]], session: Any = None) -> "Cursor":
        def read(view: View) -> list[Document]:
            documents = [record.document for record in view.scan(self._name)]
            return aggregate(documents, pipeline, view.database.clock())

        return Cursor(lambda _: self._call(read, session))

    async def insert_one(self, document: Document, session: Any = None) -> None:
        await self._call(lambda view: view.put(self._name, document, inserts=True), session)

    async def insert_many(self, documents: Sequence[Document], *, ordered: bool, session: Any = None) -> None:
        await self.bulk_write(
            [InsertOne(document) for document in documents], ordered=ordered, session=session
        )

    async def update_one(
        self,
        filter_: Document,
        update: Any,
        upsert: bool = False,  # noqa: FBT002  as the driver's
        session: Any = None,
    ) -> Result:
        def change(view: View) -> Result:
            return Result(matched=int(self._update(view, filter_, update, upsert=upsert)))

        result: Result = await self._call(change, session)
        return result

    async def update_many(self, filter_: Document, update: Any, session: Any = None) -> Result:
        def change(view: View) -> Result:
            found = self._select(view, filter_)
            for document in found:
                view.put(self._name, updated(document, update, view.database.clock()))
            return Result(matched=len(found))

        result: Result = await self._call(change, session)
        return result

    async def find_one_and_update(
        self, filter_: Document, update: Any, *, sort: Sort, upsert: bool, session: Any, **_: Any
    ) -> Document | None:
        def change(view: View) -> Document | None:
            found = _ordered(self._select(view, filter_), sort)
            if not found and not upsert:
                return None
            if found:
                after = updated(found[0], update, view.database.clock())
                view.put(self._name, after)
            else:
                after = self._upserted(view, filter_, update)
            record = view.get(self._name, after["_id"])
            return record.copy() if record else None

        document: Document | None = await self._call(change, session)
        return document

    async def delete_many(self, filter_: Document, session: Any = None) -> Result:
        result: Result = await self._call(lambda view: self._delete(view, filter_), session)
        return result

    async def bulk_write(self, operations: Sequence[Any], *, ordered: bool, session: Any = None) -> Result:
        assert not ordered
        pieces = [operations]
        if session is None and len(operations) > 1 and self._client.random.random() < 0.1:
            middle = self._client.random.randrange(1, len(operations))
            pieces = [operations[:middle], operations[middle:]]
        total, faults, start = Result(), list[Document](), 0
        for piece in pieces:
            result, more = await self._call(partial(self._bulk, operations=piece, start=start), session)
            total.matched_count += result.matched_count
            total.inserted_count += result.inserted_count
            faults, start = [*faults, *more], start + len(piece)
        if faults:
            raise BulkWriteError({"writeErrors": faults, "writeConcernErrors": []})
        return total

    def _bulk(self, view: View, operations: Sequence[Any], start: int) -> tuple[Result, list[Document]]:
        result, faults = Result(), list[Document]()
        for index, operation in enumerate(operations, start):
            try:
                self._one_of_bulk(view, operation, result)
            except DuplicateKeyError as error:
                faults.append({"index": index, "code": 11000, "errmsg": str(error)})
                if isinstance(view, Transaction):
                    view.abort()
                    break
        return result, faults

    def _one_of_bulk(self, view: View, operation: Any, result: Result) -> None:
        if isinstance(operation, InsertOne):
            view.put(self._name, operation._doc, inserts=True)  # noqa: SLF001  the driver's own form
            result.inserted_count += 1
        elif isinstance(operation, DeleteMany):
            self._delete(view, operation._filter)  # noqa: SLF001
        elif isinstance(operation, ReplaceOne):
            result.matched_count += self._replace(view, operation)
        elif isinstance(operation, UpdateOne):
            filter_, update, upsert = operation._filter, operation._doc, operation._upsert  # noqa: SLF001
            result.matched_count += self._update(view, filter_, update, upsert=bool(upsert))
        else:
            raise NotImplementedError(type(operation).__name__)

    def _replace(self, view: View, operation: Any) -> bool:
        found = self._select(view, operation._filter)  # noqa: SLF001
        if found:
            view.put(self._name, operation._doc | {"_id": found[0]["_id"]})  # noqa: SLF001
        elif operation._upsert:  # noqa: SLF001
            view.put(self._name, operation._doc, inserts=True)  # noqa: SLF001
        return bool(found)

    def _update(self, view: View, filter_: Mapping[str, Any], update: Any, *, upsert: bool) -> bool:
        found = self._select(view, filter_)
        if found:
            view.put(self._name, updated(found[0], update, view.database.clock()))
        elif upsert:
            self._upserted(view, filter_, update)
        return bool(found)

    def _upserted(self, view: View, filter_: Mapping[str, Any], update: Any) -> Document:
        base: Document = {}
        for path, value in equalities(filter_).items():
            put_at(base, path, value)
        after = updated(base, update, view.database.clock(), inserts=True)
        if "_id" not in after:
            raise NotImplementedError("the product names what it inserts")
        view.put(self._name, after, inserts=True)
        return after

    def _delete(self, view: View, filter_: Mapping[str, Any]) -> Result:
        found = self._select(view, filter_)
        for document in found:
            view.remove(self._name, document["_id"])
        return Result(deleted=len(found))

    def _select(self, view: View, filter_: Mapping[str, Any]) -> list[Document]:
        ids = wanted_ids(filter_)
        if ids is None:
            records = view.candidates(self._name, filter_)
        else:
            records = (record for id_ in ids if (record := view.get(self._name, id_)) is not None)
        now = view.database.clock()
        return [record.document for record in records if matches(record.document, filter_, now)]

    async def _call(self, work: Callable[[View], Any], session: "ClientSession | None") -> Any:
        return await self._client.call(work, session)


def _ordered(documents: list[Document], sort: Sort) -> list[Document]:
    for path, direction in reversed(sort or ()):
        documents = sorted(documents, key=lambda one: sort_key(value_at(one, path)), reverse=direction < 0)
    return documents


def _projected(document: Document, fields: Sequence[str] | None) -> Document:
    if fields is None:
        whole: Document = copied(document)
        return whole
    part: Document = {"_id": document["_id"]}
    for path in fields:
        if found := values_at(document, path):
            put_at(part, path, copied(found[0]))
    return part
