"""Cursors: where a list goes on."""

from base64 import b64decode, urlsafe_b64encode

from shared.web.problems import FieldError, Problem


def cursor_of(place: str | None) -> str | None:
    """Fit for an address, and plainly not for reading."""
    return None if place is None else urlsafe_b64encode(place.encode()).decode()


def sort_key_of(cursor: str | None) -> str | None:
    """Raises a 422 `Problem` for a cursor that is none of ours."""
    try:
        return None if cursor is None else b64decode(cursor, b"-_", validate=True).decode()
    except ValueError:
        reason = "it is no `next` of ours: start again without it"
        raise Problem(
            422, "The request is not valid", f"after: {reason}", fields=[FieldError("after", reason)]
        ) from None
