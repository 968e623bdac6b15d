"""One database in memory: committed documents, transactions, unique indexes, backups."""

# Invariant: a transaction reads what was committed when it began, and its own writes; it commits as a whole,
# or leaves nothing. A document that it writes is its own until it ends: a second transaction that writes it
# conflicts at once, and so does one whose snapshot is older than the document. A single write waits instead.
#
#   A begins, B begins   A writes x, B writes x → B conflicts   A commits; C began before → C conflicts on x

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import bson
from bson.codec_options import CodecOptions
from pymongo.errors import DuplicateKeyError, OperationFailure

from tests.simulation.network import Again
from tests.simulation.store.index import FieldIndex, UniqueIndex, indexed_field

Document = dict[str, Any]
OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
_CONFLICT, _DUPLICATE = 112, 11000
Collection = dict[str, "Record"]


class Record:
    """A stored document: its bytes, and the document itself, which nobody may change."""

    __slots__ = ("content", "document")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.content = bson.encode(document)
        self.document: Document = bson.decode(self.content, OPTIONS)

    def copy(self) -> Document:
        return bson.decode(self.content, OPTIONS)


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit changed of one document; None for one that is not there."""

    collection: str
    id: str
    before: Document | None
    after: Document | None


def write_conflict() -> OperationFailure:
    labels = {"code": _CONFLICT, "errorLabels": ["TransientTransactionError"]}
    return OperationFailure("WriteConflict", _CONFLICT, labels)


class Database:
    """The documents of one service."""

    def __init__(self, name: str, clock: Callable[[], datetime]) -> None:
        self.name, self.clock = name, clock
        self.collections: dict[str, Collection] = {}
        self.unique: dict[str, list[UniqueIndex]] = {}
        self.locks: dict[tuple[str, str], Transaction] = {}
        self.open: list[Transaction] = []
        self.listeners: list[Callable[[Sequence[Written]], None]] = []
        self._indexes: dict[str, dict[str, FieldIndex]] = {}
        self.restores = 0
        """How often it went back to a backup: connections from before are cut."""

    def collection(self, name: str) -> Collection:
        return self.collections.setdefault(name, {})

    def documents(self, name: str) -> list[Document]:
        """What is committed, for whoever looks at it from outside; nobody may change it."""
        return [record.document for record in self.collection(name).values()]

    def copy(self) -> dict[str, Collection]:
        """A backup of all documents."""
        return {name: dict(records) for name, records in self.collections.items()}

    def restore(self, backup: Mapping[str, Collection]) -> None:
        """Goes back to a backup; what is going on is cut off."""
        for transaction in list(self.open):
            transaction.abort()
        self.collections = {name: dict(records) for name, records in backup.items()}
        self.restores += 1
        self._indexes.clear()

    def index(self, name: str, field_name: str) -> FieldIndex:
        """The index of one field of a collection; made when it is first asked for."""
        indexes = self._indexes.setdefault(name, {})
        if field_name not in indexes:
            indexes[field_name] = FieldIndex(field_name, self.documents(name))
        return indexes[field_name]

    def commit(self, changes: Mapping[tuple[str, str], Record | None]) -> None:
        written = []
        for (name, id_), record in changes.items():
            records = self.collection(name)
            before = records.get(id_)
            for transaction in self.open:
                transaction.outlived.setdefault((name, id_), before)
            for index in self._indexes.get(name, {}).values():
                index.change(before.document if before else None, record.document if record else None)
            if record is None:
                records.pop(id_, None)
            else:
                records[id_] = record
            after = record.document if record else None
            written.append(Written(name, id_, before.document if before else None, after))
        for listener in self.listeners:
            listener(written)


@dataclass(slots=True, eq=False)  # two that have done the same are two all the same
class View:
    """What one write, or one transaction, sees and changes."""

    database: Database
    changes: dict[tuple[str, str], Record | None] = field(default_factory=dict)
    outlived: dict[tuple[str, str], Record | None] = field(default_factory=dict)
    """What others have changed since it began, as it was then."""

    def get(self, name: str, id_: str) -> Record | None:
        if (name, id_) in self.changes:
            return self.changes[name, id_]
        return self.seen(name, id_)

    def seen(self, name: str, id_: str) -> Record | None:
        """The document as it was committed when the view began."""
        if (name, id_) in self.outlived:
            return self.outlived[name, id_]
        return self.database.collection(name).get(id_)

    def scan(self, name: str) -> Iterator[Record]:
        """Every document, in the order of insertion."""
        return self._existing(name, [*self.database.collection(name)])

    def candidates(self, name: str, filter_: Mapping[str, Any]) -> Iterator[Record]:
        """Every document that may match a filter."""
        path = indexed_field(filter_)
        ids = self.database.index(name, path).candidates(filter_[path]) if path else None
        return self.scan(name) if ids is None else self._existing(name, ids)

    def _existing(self, name: str, ids: Sequence[str]) -> Iterator[Record]:
        """What is there of some documents, and of all that this view sees otherwise than is committed."""
        differing = [id_ for other, id_ in (*self.outlived, *self.changes) if other == name]
        for id_ in dict.fromkeys((*ids, *differing)):
            record = self.get(name, id_)
            if record is not None:
                yield record

    def put(self, name: str, document: Mapping[str, Any], *, inserts: bool = False) -> None:
        record = Record(document)
        id_ = record.document["_id"]
        self.claim(name, id_)
        if inserts and self.get(name, id_) is not None:
            raise DuplicateKeyError(f"{name} has {id_}", _DUPLICATE, {"code": _DUPLICATE})
        self._check_unique(name, record.document)
        self.changes[name, id_] = record

    def remove(self, name: str, id_: str) -> None:
        self.claim(name, id_)
        self.changes[name, id_] = None

    def claim(self, name: str, id_: str) -> None:
        """A single write waits for a transaction that has the document."""
        if (name, id_) in self.database.locks:
            raise Again

    def _check_unique(self, name: str, document: Document) -> None:
        for index in self.database.unique.get(name, ()):
            key = index.key(document)
            if key is None:
                continue
            texts = {field: document.get(field) for field in index.fields}
            same = {field: text for field, text in texts.items() if isinstance(text, str)}
            for other in self.candidates(name, same):
                if other.document["_id"] != document["_id"] and index.key(other.document) == key:
                    raise DuplicateKeyError(f"{name} has {key}", _DUPLICATE, {"code": _DUPLICATE})


class Transaction(View):
    """Several operations that take effect together."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_open = True
        database.open.append(self)

    def claim(self, name: str, id_: str) -> None:
        self.require_open()
        holder = self.database.locks.get((name, id_))
        if holder is self:
            return
        seen = self.seen(name, id_)
        if holder is not None or self.database.collection(name).get(id_) is not seen:
            raise write_conflict()
        self.database.locks[name, id_] = self

    def require_open(self) -> None:
        if not self.is_open:
            labels = {"code": 251, "errorLabels": ["TransientTransactionError"]}
            raise OperationFailure("NoSuchTransaction", 251, labels)

    def commit(self) -> None:
        self.require_open()
        self._check_unique_at_end()
        self._end()
        self.database.commit(self.changes)

    def abort(self) -> None:
        if self.is_open:
            self._end()

    def _check_unique_at_end(self) -> None:
        """Another transaction may have committed a document with the same values meanwhile."""
        committed = View(self.database)
        for (name, id_), record in self.changes.items():
            for index in self.database.unique.get(name, ()):
                key = index.key(record.document) if record else None
                others = (one.document for one in committed.scan(name))
                if key and any(index.key(one) == key for one in _others(others, id_, self.changes, name)):
                    self._end()
                    raise write_conflict()

    def _end(self) -> None:
        self.is_open = False
        self.database.open.remove(self)
        for place in [place for place, holder in self.database.locks.items() if holder is self]:
            del self.database.locks[place]


def _others(
    documents: Iterable[Document],
    id_: str,
    changes: Mapping[tuple[str, str], Record | None],
    name: str,
) -> Iterator[Document]:
    return (one for one in documents if one["_id"] != id_ and (name, one["_id"]) not in changes)
