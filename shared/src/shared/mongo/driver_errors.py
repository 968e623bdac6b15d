"""How an error of the document store's driver becomes one of ours."""

# Invariant: whatever the driver raises for what the *store* could not do is a `TransientError`, codes that
# nobody has heard of included: the same call may succeed once an operator has seen to the store. What the
# store can never do is named, code by code; of a bulk the worst fault counts:
#
#   11000 a key is taken                        Conflict (unless another fault stands beside it)
#   10334 a document beyond 16 MB               RuleBroken
#   2 a command that it does not understand     left as it is: a bug of ours
#   13, 18, 262, 14031, 64, … 987654            TransientError

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
    PyMongoError,
    WTimeoutError,
)

from shared.errors import Conflict, RuleBroken, TransientError

log = structlog.get_logger()

_DUPLICATE_KEY = 11000
_WRITE_CONFLICT = 112
_REFUSED_VALUES = (
    (frozenset({10334, 17419, 17420, 17280}), "a document of more than 16 MB"),
    (frozenset({52, 55, 56, 57}), "a field of a name, that it has no form for"),
)
"""Codes that blame what was to be stored: inserted, or what an update made of a document."""
_OUR_FAULT_CODES = frozenset({2, 9, 14, 28, 30, 40, 54, 59, 66, 67, 72, 73, 85, 86, 115, 121, 168, 197})
"""The command itself is wrong (BadValue, FailedToParse, TypeMismatch, …, IndexOptionsConflict, …)."""
_NO_ANSWER = "the document store does not answer: the log of this service says why"
_REFUSED = "the document store cannot do this now: the log of this service says why"

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
        raise _unstorable(given) from None


@contextmanager
def translate_server_errors(session: AsyncIOMotorClientSession | None = None) -> Iterator[None]:
    """Raises `Conflict` for a key that is taken, `TransientError` for a store that is away, contended or ill.

    Inside a transaction (`session`) only `Conflict` and `RuleBroken` are raised: the driver itself must see
    the other errors to repeat the transaction. What it gives up on is translated around the whole of it.
    """
    try:
        yield
    except PyMongoError as error:
        translated = _translated(error)
        if translated is None or (session is not None and isinstance(translated, TransientError)):
            raise
        if isinstance(translated, TransientError):
            # The driver's own words name hosts and settings: they are for the log, not for whoever asked.
            log.warning("document_store_failed", error=str(error), code=getattr(error, "code", None))
        # What grew too large is quoted by the driver, and may hold a secret.
        raise translated from (None if type(translated) is RuleBroken else error)


def begun_again() -> OperationFailure:
    """Returns what to raise inside a transaction to have the driver begin it again.

    For an upsert that met another transaction's row: it ends a transaction as a conflict of writes does, but
    is told as a key that is taken.
    """
    details = {"code": _WRITE_CONFLICT, "errorLabels": ["TransientTransactionError"]}
    return OperationFailure("another transaction inserted the same row", _WRITE_CONFLICT, details)


def duplicate_positions(error: BulkWriteError) -> list[int]:
    """Returns the positions in the bulk whose key was taken; raises the error itself if it has others."""
    if _codes(error) != {_DUPLICATE_KEY}:
        raise error
    return [fault["index"] for fault in error.details["writeErrors"]]


def _translated(error: PyMongoError) -> Exception | None:
    """Returns what to raise in place of the driver's error; None for what is a bug of ours."""
    if isinstance(error, (ConnectionFailure, WTimeoutError, ExecutionTimeout)):
        return TransientError(_NO_ANSWER)
    if not isinstance(error, OperationFailure):
        return TransientError(_REFUSED)  # a client that was closed meanwhile, or what a later driver brings
    codes = _codes(error)
    if codes == {_DUPLICATE_KEY}:
        return _conflict(error)
    for value_codes, given in _REFUSED_VALUES:
        if codes & value_codes:
            return _unstorable(given)
    if error.has_error_label("TransientTransactionError") or codes == {_WRITE_CONFLICT}:
        return TransientError("others are writing the same to the document store: try again")
    return None if codes & _OUR_FAULT_CODES else TransientError(_REFUSED)


def _codes(error: OperationFailure) -> set[int | None]:
    """Returns the codes of all faults; a write concern that was not met counts as one, whatever its code."""
    if not isinstance(error, BulkWriteError):
        return {_DUPLICATE_KEY if isinstance(error, DuplicateKeyError) else error.code}
    details = error.details or {}
    codes: set[int | None] = {fault.get("code") for fault in details.get("writeErrors", ())}
    return codes | {None} if details.get("writeConcernErrors") or not codes else codes


def _unstorable(given: str) -> RuleBroken:
    return RuleBroken(f"the document store cannot hold {given}: leave it out or shorten it")


def _conflict(error: OperationFailure) -> Conflict:
    if isinstance(error, BulkWriteError):
        return Conflict(f"{len(duplicate_positions(error))} of the documents are there already")
    return Conflict("it is there already")
