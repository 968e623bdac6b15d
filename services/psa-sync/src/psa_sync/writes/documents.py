"""How a write is laid out in the store: its intent, with the fields that queries use beside it; pure."""

from typing import Any

from pydantic import TypeAdapter

from psa_sync.writes.intent import Intent, WriteResult, WriteStage
from psa_sync.writes.ports import LineRef

Row = dict[str, Any]

_INTENT = TypeAdapter(Intent)
_RESULT: TypeAdapter[WriteResult | None] = TypeAdapter(WriteResult | None)


CANCELLED_UNSENT: Row = {"cancelled": {"$ne": None}, "stage": WriteStage.WAITING.value}
"""The writes that are not wanted any more, and of which nothing can take effect."""


def of_line(line: LineRef) -> Row:
    return {"integration_id": line.integration_id, "line_id": line.line_id}


def unfinished_of(line: LineRef) -> Row:
    return of_line(line) | {"finished": False}


def document_of(intent: Intent) -> Row:
    """Returns the whole intent, with the fields that queries use beside it."""
    command = intent.command
    fields: Row = _INTENT.dump_python(intent, mode="json")
    return fields | {
        "_id": command.approval_id,
        "integration_id": command.integration_id,
        "line_id": command.line_id,
        "due_at": intent.due_at,
        "valid_until": command.valid_until,
        "may_arrive_until": intent.may_arrive_until,
        "finished": intent.finished,
    }


def step_of(document: Row) -> Row:
    """Returns what a step of a write stores: all but the id, and what only cancelling stores."""
    return {name: value for name, value in document.items() if name not in ("_id", "cancelled")}


def result_of(row: Row) -> WriteResult | None:
    """Returns how a write ended; None while it goes on, or when only its cancel has come."""
    return _RESULT.validate_python(row.get("result"))


def intent_of(row: Row) -> Intent:
    return _INTENT.validate_python(row)


def is_readable(row: Row) -> bool:
    try:
        intent_of(row)
    except ValueError:
        return False
    return True
