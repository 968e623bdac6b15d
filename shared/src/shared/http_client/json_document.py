"""Parses JSON of a far side, which decides neither how much memory nor how much time that takes."""

# Invariant: before a Python object is built, the number of values and, but for a page, the depth are within
# their limits; fractions are exact, and no number is kept that takes more room than it was written with.
# Both are counted on the bytes by functions written in C. Values are at most one more than the commas and
# opening brackets; brackets within texts are told apart only when that is too many:
#
#   {"a": [1, 2]}                 1 comma + 2 brackets + 1 = 4 values    depth 2
#   {"a": "[,[,["}                6 at first, 2 without its texts        depth 1
#
# Depth: taking every [] out of the brackets, [[][[]]] → [[]] → [] → nothing, takes one round for each level.
# A page is not scanned for it, which would cost a third of its parsing: Python's parser ends it below 1,000.

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from shared.http_client.answer_size import AnswerSize
from shared.limits import Limit, record_hit
from shared.limits.answers import ANSWER_DEPTH, NUMBER_CHARACTERS, NUMBER_EXPONENT

Json: TypeAlias = Any
"""Parsed JSON, its fractions exact (`Decimal`), a number beyond its limits an `OversizedNumber`."""

_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_STRUCTURE = bytes(sorted(set(range(256)) - set(b'"[]{},')))
_SHORTEST_VALUE_BYTES = 2
"""A digit and its comma."""


@dataclass(frozen=True, slots=True)
class OversizedNumber:
    """Stands in the place of a number that is too long or too large; it is no number itself."""

    characters: int

    def __str__(self) -> str:
        return f"a number of {self.characters} characters"


class OversizedDocument(Exception):
    """A document with more values or levels than its limit."""

    def __init__(self, limit: Limit) -> None:
        record_hit(limit)
        super().__init__(f"JSON of more than {limit}")


def parse_json(body: bytearray, size: AnswerSize) -> Json:
    """Returns the document; raises ValueError for what is no strict JSON, OversizedDocument."""
    _assert_values(body, size.most_values)
    if size.most_levels:
        _assert_depth(body, size.most_levels)
    text = body.decode(errors="replace")
    try:
        return _parse_exactly(text)
    except RecursionError:
        raise OversizedDocument(ANSWER_DEPTH) from None


def _parse_exactly(text: str) -> Json:
    try:
        return _parse(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # maybe a whole number beyond Python's own limit of digits
        return _parse(text, parse_int=_whole)


def _parse(text: str, **more: Any) -> Json:
    return json.loads(text, parse_float=_fraction, parse_constant=_refuse_constant, **more)


def _assert_values(body: bytearray, limit: Limit) -> None:
    if len(body) < _SHORTEST_VALUE_BYTES * limit.most:
        return  # too short to hold as many
    if _most_values(body) > limit.most and _most_values(_structure(body)) > limit.most:
        raise OversizedDocument(limit)


def _most_values(text: bytes | bytearray) -> int:
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def _assert_depth(body: bytearray, limit: Limit) -> None:
    if body.count(b"[") + body.count(b"{") <= limit.most:
        return
    brackets = _structure(body).translate(_SQUARE, b",")
    for _ in range(limit.most):
        brackets = brackets.replace(b"[]", b"")
    # What is not balanced is no JSON, such as an answer that was cut, and left to the parser.
    if brackets and brackets.count(b"[") == brackets.count(b"]"):
        raise OversizedDocument(limit)


def _structure(body: bytearray) -> bytes:
    """Returns the brackets and commas that are in no text."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = body.translate(None, _NOT_STRUCTURE)
    # Two quotes side by side have no mark between them: without both, every mark is in or out as before.
    return b"".join(marks.replace(b'""', b"").split(b'"')[::2])


def _fraction(literal: str) -> Decimal | OversizedNumber:
    if len(literal) <= NUMBER_CHARACTERS.most:
        try:
            number = Decimal(literal)
        except InvalidOperation:  # an exponent beyond what Decimal takes
            return _oversized(literal, NUMBER_EXPONENT)
        if -NUMBER_EXPONENT.most <= number.adjusted() <= NUMBER_EXPONENT.most:
            return number
        return _oversized(literal, NUMBER_EXPONENT)
    return _oversized(literal, NUMBER_CHARACTERS)


def _whole(literal: str) -> int | OversizedNumber:
    if len(literal) <= NUMBER_CHARACTERS.most:
        return int(literal)
    return _oversized(literal, NUMBER_CHARACTERS)


def _oversized(literal: str, limit: Limit) -> OversizedNumber:
    record_hit(limit)
    return OversizedNumber(len(literal))


def _refuse_constant(name: str) -> Json:
    """Python's parser takes NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is no JSON")
