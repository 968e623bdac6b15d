"""The changes a bulk call may hold, and how a driver's error becomes one of ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WTimeoutError,
)

from shared.errors import Conflict, TransientError

Document = dict[str, Any]
Filter = Mapping[str, Any]
Session = AsyncIOMotorClientSession

DUPLICATE_KEY = 11000
WRITE_CONFLICT = 112


@dataclass(frozen=True, slots=True)
class Put:
    """Insert or replace one document by its `_id`."""

    document: Document


@dataclass(frozen=True, slots=True)
class Replace:
    """Put the document in the place of the one that matches; does nothing when none does."""

    filter: Filter
    document: Document


@dataclass(frozen=True, slots=True)
class Update:
    """Change the first document that matches."""

    filter: Filter
    update: Mapping[str, Any]
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove every document that matches."""

    filter: Filter


Change = Put | Replace | Update | Remove


@contextmanager
def translated(session: Session | None = None) -> Iterator[None]:
    """Turn the driver's errors into ours, save those that a running transaction needs to see to retry."""
    try:
        yield
    except DuplicateKeyError as error:
        raise Conflict(f"it is there already: {error.details}") from error
    except BulkWriteError as error:
        raise Conflict(f"{len(duplicates(error))} of the documents are there already") from error
    except (ConnectionFailure, WTimeoutError, ExecutionTimeout) as error:
        if session is not None:
            raise
        raise TransientError(f"the document store does not answer: {error}") from error
    except OperationFailure as error:
        contended = error.has_error_label("TransientTransactionError") or error.code == WRITE_CONFLICT
        if session is not None or not contended:
            raise
        raise TransientError(f"the document store is contended: {error}") from error


def duplicates(error: BulkWriteError) -> list[int]:
    """Where in the bulk a key was taken already; raises the error again if anything else went wrong."""
    faults = (error.details or {}).get("writeErrors", [])
    if not faults or any(fault.get("code") != DUPLICATE_KEY for fault in faults):
        raise error
    return [fault["index"] for fault in faults]
