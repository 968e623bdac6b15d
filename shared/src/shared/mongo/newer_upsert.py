"""Stores documents that only move forward: a larger `revision` wins, in whatever order they arrive."""

# Invariant: of all documents ever given for an `_id`, the one with the largest revision is stored at the end,
# and the call that wrote it reports it as written. Looks first and sends only what is newer, several times as
# fast for new documents as guarded upserts. Another writer may come in between, so what is sent is guarded,
# and when less was written than sent, the next round looks again:
#
#   given {a: 3, b: 3}, stored {a: 1}     send: replace a where revision < 3, insert b
#   another writer stored b: 5 meanwhile  1 of 2 written; now {a: 3, b: 5}: a was written by us, b is newer

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from pymongo import InsertOne, ReplaceOne
from pymongo.errors import BulkWriteError

from shared.errors import TransientError
from shared.mongo.changes import Document, Session
from shared.mongo.driver_errors import duplicate_positions, translate_errors

_MAX_ROUNDS = 8
"""In each lost round another writer has moved a document on; so many in a row are a storm, not bad luck."""


async def upsert_newer(
    documents: Iterable[Document],
    *,
    scope: Document,
    look_up: Callable[[Iterable[str]], Awaitable[Mapping[str, Document]]],
    write: Callable[[Sequence[Any]], Awaitable[bool]],
    existing: Mapping[str, Document] | None,
    keep: Mapping[str, Any],
) -> list[Document]:
    """Stores documents that carry `scope`.

    `look_up` returns the revisions that are there, by `_id`, and the fields to `keep`; the values of `keep`
    stand for these where a document has none. `write` is `write_all` of the collection.
    """
    pending, tried = _newest_by_id(documents), dict[str, Document]()
    written: list[Document] = []
    for _ in range(_MAX_ROUNDS):
        if existing is None:
            existing = await look_up(pending)
        for id_, row in tried.items():
            stored = existing.get(id_)
            if stored is not None and stored["revision"] == row["revision"]:
                written.append(row)  # by the round before: nobody else has this revision of this document
        pending = {
            id_: _keeping(row, existing.get(id_), keep)
            for id_, row in pending.items()
            if _is_newer(row, existing.get(id_))
        }
        operations = [
            InsertOne(row)
            if id_ not in existing
            else ReplaceOne({"_id": id_, "revision": {"$lt": row["revision"]}, **scope}, row)
            for id_, row in pending.items()
        ]
        if await write(operations):
            return [*written, *pending.values()]
        tried, existing = pending, None
    raise TransientError(f"{len(pending)} documents are being written by others at the same time")


async def write_all(collection: Any, session: Session | None, operations: Sequence[Any]) -> bool:
    """Writes; returns False when another writer was first with an `_id`, or with a newer revision."""
    if not operations:
        return True
    with translate_errors(session):
        try:
            result = await collection.bulk_write(operations, ordered=False, session=session)
        except BulkWriteError as error:
            duplicate_positions(error)  # raises what is no duplicate
            return False
    return bool(result.inserted_count + result.matched_count == len(operations))


def _newest_by_id(documents: Iterable[Document]) -> dict[str, Document]:
    newest: dict[str, Document] = {}
    for document in documents:
        if _is_newer(document, newest.get(document["_id"])):
            newest[document["_id"]] = document
    return newest


def _is_newer(document: Document, stored: Document | None) -> bool:
    return stored is None or bool(stored["revision"] < document["revision"])


def _keeping(document: Document, stored: Document | None, keep: Mapping[str, Any]) -> Document:
    if stored is None or not keep:
        return document
    return {**document, **{field: stored.get(field, default) for field, default in keep.items()}}
