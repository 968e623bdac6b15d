"""Texts that come from people and their programs: of bounded length, and without invisible characters."""

# Invariant: nothing that drives a terminal, ends a line or turns a text round gets into a store, a log or an
# answer: no control character (C0, DEL, C1), no line or paragraph separator, no bidirectional embedding,
# override or isolate, no half of a surrogate pair. What a person types is refused for it. A name, a code or a
# sentence of a far side is cleaned where it comes in, so that equal texts stay equal; an id is refused there.
# Whoever uses `PlainText` adds the length, and counts what is longer:
#
#   an id with a limit of 200 characters:        a name of a far side:
#   "acme", "Zürich AG"    taken                 "Zürich AG"         taken
#   "ac\x00me", "\ud800"   refused               "a\x1b[2J", "a\nb"   "a\ufffd[2J", "a b"
#   "a" * 201              refused, and counted under the limit's name

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from shared.limits import Limit, record_hit
from shared.limits.messages import SORT_TEXT_BYTES

_NEVER_SHOWN = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_PATTERN = f"^[^{_NEVER_SHOWN}]*$"
_PLAIN = re.compile(rf"[^{_NEVER_SHOWN}\ud800-\udfff]*")
_SPACES = re.compile(r"[\t-\r\x85\u2028\u2029]")
_OTHERS = re.compile(f"[{_NEVER_SHOWN}]")
_NOT_PLAIN = "must not contain line breaks, control characters or marks that turn the text round"
_BEYOND = frozenset({"string_too_long", "too_long", "less_than_equal"})
"""The types of pydantic's errors for what is larger than a bound."""

# The pattern names no surrogates, for pydantic's patterns know none: it refuses them by itself as soon as a
# text has any constraint.
PlainText = Annotated[str, StringConstraints(pattern=_PATTERN)]
"""A text that can be shown as it is (see above)."""


def is_plain(text: str) -> bool:
    """Tells whether a text is one that `PlainText` takes."""
    # Nearly every text is printable, and the look takes a tenth of the time of the expression.
    return text.isprintable() or _PLAIN.fullmatch(text) is not None


def cleaned(text: str) -> str:
    """Returns a plain text that shows where it was cleaned.

    Tabs and what ends a line become spaces, half a surrogate pair `?`, any other character that is not shown
    U+FFFD.
    """
    if is_plain(text):
        return text
    return _OTHERS.sub("\ufffd", _SPACES.sub(" ", text.encode(errors="replace").decode()))


def reason_of(fault: Mapping[str, Any]) -> str:
    """Returns why pydantic refused a value, in a sentence for people; a fault is one of its errors."""
    # Pydantic puts "Value error, " before what a validator raises; such a sentence says all by itself.
    message = str(fault["msg"]).removeprefix("Value error, ")
    return _NOT_PLAIN if _PATTERN in message else message


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
