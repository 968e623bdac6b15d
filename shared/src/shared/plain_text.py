"""Texts that come from people and their programs: of bounded length, and without invisible characters."""

# Invariant: no control character and no half of a surrogate pair gets into a store, a log or an answer by way
# of a text that somebody typed. Whoever uses `PlainText` adds the length, and counts what is longer:
#
#   an id with a limit of 200 characters:
#   "acme", "Zürich AG"    taken
#   "ac\x00me", "\ud800"   refused
#   "a" * 201              refused, and counted under the limit's name

import re
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.limits import Limit, record_hit
from shared.limits.messages import SORT_TEXT_BYTES

_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*$"
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*")
_BEYOND = frozenset({"string_too_long", "too_long", "less_than_equal"})
"""The types of pydantic's errors for what is larger than a bound."""

# The pattern names no surrogates, for pydantic's patterns know none: it refuses them by itself as soon as a
# text has any constraint.
PlainText = Annotated[str, StringConstraints(pattern=_PATTERN)]
"""A text without control characters (C0, DEL, C1) and without halves of surrogate pairs."""


def is_plain(text: str) -> bool:
    """Tells whether a text is one that `PlainText` takes."""
    return _PLAIN.fullmatch(text) is not None


def sort_text(name: str) -> str:
    """Returns the text by which a list is sorted: a name without regard to case, in any script.

    It is of bounded length, so that the cursor of a page can name it (`shared.web.pagination`).
    """
    text = name.casefold().encode()
    if len(text) > SORT_TEXT_BYTES.most:
        record_hit(SORT_TEXT_BYTES)
    return text[: SORT_TEXT_BYTES.most].decode(errors="ignore")


def counted(limit: Limit) -> WrapValidator:
    """Counts each value that is refused for being larger than the limit.

    The bound itself stands beside it (`max_length`, `le`), from where it gets into the API's description.
    """

    def count(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError as error:
            # Of the value itself: what its parts are refused for is another limit's.
            if any(fault["type"] in _BEYOND and not fault["loc"] for fault in _faults(error)):
                record_hit(limit)
            raise

    return WrapValidator(count)


def _faults(error: ValidationError) -> list[Any]:
    return error.errors(include_url=False, include_context=False, include_input=False)
