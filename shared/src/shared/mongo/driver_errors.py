"""How an error of the document store's driver becomes one of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from bson.errors import InvalidDocument, InvalidStringData
from motor.motor_asyncio import AsyncIOMotorClientSession
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    WTimeoutError,
)

from shared.errors import Conflict, RuleBroken, TransientError

log = structlog.get_logger()

_DUPLICATE_KEY = 11000
_WRITE_CONFLICT = 112


_UNSTORABLE: tuple[tuple[type[Exception], str], ...] = (
    (OverflowError, "an integer beyond 64 bits"),
    (UnicodeEncodeError, "a text with half of a surrogate pair, which has no UTF-8"),
    (DocumentTooLarge, "a document of more than 16 MB"),
    (InvalidStringData, "a text that is no UTF-8"),
    (InvalidDocument, "a value of a type, or a field of a name, that it has no form for"),
)
"""What the driver raises before it sends anything, and what it was given then; the first that fits."""


@contextmanager
def translate_errors(session: AsyncIOMotorClientSession | None = None) -> Iterator[None]:
    """Translates what one operation raises: as `translate_server_errors`, and `RuleBroken` for its values.

    Only around the driver's own calls: an `OverflowError` of anything else is a bug.
    """
    try:
        with translate_server_errors(session):
            yield
    except tuple(kind for kind, _ in _UNSTORABLE) as error:
        given = next(given for kind, given in _UNSTORABLE if isinstance(error, kind))
        # Neither the driver's sentence nor the error itself: both hold the value, which may be a secret.
        raise RuleBroken(f"the document store cannot hold {given}: leave it out or shorten it") from None


@contextmanager
def translate_server_errors(session: AsyncIOMotorClientSession | None = None) -> Iterator[None]:
    """Raises `Conflict` for a key that is taken, `TransientError` for a store that is away or contended.

    Inside a transaction (`session`) only `Conflict` is raised: the driver itself must see the other errors to
    repeat the transaction. What it gives up on is translated around the whole transaction.
    """
    try:
        yield
    except DuplicateKeyError as error:
        raise Conflict("it is there already") from error
    except BulkWriteError as error:
        raise Conflict(f"{len(duplicate_positions(error))} of the documents are there already") from error
    except (ConnectionFailure, WTimeoutError, ExecutionTimeout) as error:
        if session is not None:
            raise
        # The driver's own words name hosts and settings: they are for the log, not for whoever asked.
        log.warning("document_store_failed", error=str(error))
        raise TransientError(
            "the document store does not answer: the log of this service says why"
        ) from error
    except OperationFailure as error:
        contended = error.has_error_label("TransientTransactionError") or error.code == _WRITE_CONFLICT
        if session is not None or not contended:
            raise
        log.warning("document_store_failed", error=str(error))
        raise TransientError("others are writing the same to the document store: try again") from error


def duplicate_positions(error: BulkWriteError) -> list[int]:
    """Returns the positions in the bulk whose key was taken; raises the error itself if it has others."""
    faults = (error.details or {}).get("writeErrors", [])
    if not faults or any(fault.get("code") != _DUPLICATE_KEY for fault in faults):
        raise error
    return [fault["index"] for fault in faults]
