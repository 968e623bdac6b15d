"""Cuts lists into pages: `next` of one page is `after` of the next, and opaque to whoever sends it back."""

# Invariant: a cursor names the sort key of the last row that was shown, so the next page begins behind that
# row however many rows came or went in front of it. A sort key is one text, or a text and the id that
# breaks a tie:
#
#   rows sorted by (name, id): (acme, 7) (acme, 9) | (zeta, 2)   limit 2 → next = cursor of ("acme", "9")
#
# No cursor that is given out is longer than one that is taken: names are sorted by a text of bounded length
# (`shared.plain_text.sort_text`), and ids have their limit.

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any, TypeGuard
from urllib.parse import quote, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.limits import record_hit
from shared.limits.people import CURSOR_CHARACTERS, PAGE_ROWS
from shared.plain_text import counted

_ENCODED = re.compile(r"(?:%[89A-F][0-9A-F])+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_REVISION = re.compile(r"[0-9]{1,16}")
_WHAT_TO_DO = "send `next` of the page before, as it was, or leave it out to start again"


def encode_cursor(*sort_key: str) -> str:
    """Returns the cursor that names a row by its sort key."""
    parts = [_packed(part) for part in sort_key]
    return urlsafe_b64encode(json.dumps(parts, ensure_ascii=False).encode()).decode()


def _decode(cursor: object, parts: int) -> list[str]:
    """Returns the sort key; raises `ValueError`, hence a 422, for what `encode_cursor` did not make."""
    # FastAPI collects the values of a field of a tuple type in a list, as if it were asked for several times.
    text = str(cursor[0] if isinstance(cursor, list) and len(cursor) == 1 else cursor)
    if len(text) > CURSOR_CHARACTERS.most:
        record_hit(CURSOR_CHARACTERS)
        raise ValueError(_WHAT_TO_DO)
    try:
        sort_key = _unpacked(json.loads(urlsafe_b64decode(text.encode())))
        # Encoding it once more refuses every other spelling, and text that the document store could not take:
        # JSON can write half a surrogate pair, which has no UTF-8.
        if _is_sort_key(sort_key, parts) and encode_cursor(*sort_key) == text:
            return sort_key
    except (ValueError, RecursionError):
        pass
    raise ValueError(_WHAT_TO_DO)


def _packed(part: str) -> str | list[str]:
    """Returns a list of the part with its percent-encoded characters as they are, if it has any.

    A key (`shared.contracts.base.key_of`) has twelve characters for one of four bytes.
    """
    if not part.isascii():
        return part
    try:
        raw = _ENCODED.sub(lambda match: unquote(match[0], errors="strict"), part)
    except UnicodeDecodeError:
        return part
    return part if raw == part else [raw]


def _unpacked(parts: object) -> object:
    if not isinstance(parts, list):
        return parts
    return [
        _NOT_ASCII.sub(lambda match: quote(match[0]), part[0])
        if isinstance(part, list) and _is_sort_key(part, 1)
        else part
        for part in parts
    ]


def _is_sort_key(value: object, parts: int) -> TypeGuard[list[str]]:
    return isinstance(value, list) and len(value) == parts and all(isinstance(part, str) for part in value)


def _decode_key(cursor: object) -> str:
    return _decode(cursor, 1)[0]


def _decode_pair(cursor: object) -> tuple[str, str]:
    first, second = _decode(cursor, 2)
    return first, second


def _decode_revision(cursor: object) -> int:
    if _REVISION.fullmatch(revision := _decode_key(cursor)):
        return int(revision)
    raise ValueError(_WHAT_TO_DO)


def _described(cursor_format: str) -> Any:
    """Returns a cursor as it is sent; `format` tells whoever makes up requests which of the two it is."""
    return Annotated[str, Field(json_schema_extra={"format": cursor_format})]


KeyCursor = Annotated[str, BeforeValidator(_decode_key, json_schema_input_type=_described("key-cursor"))]
"""A cursor over rows that are sorted by one text; its value is that text."""
PairCursor = Annotated[
    tuple[str, str], BeforeValidator(_decode_pair, json_schema_input_type=_described("pair-cursor"))
]
"""A cursor over rows that are sorted by a text and an id; its value is both."""
RevisionCursor = Annotated[
    int, BeforeValidator(_decode_revision, json_schema_input_type=_described("revision-cursor"))
]
"""A cursor over rows that are sorted by a revision; its value is that revision."""

PageLimit = Annotated[int, Field(ge=1, le=PAGE_ROWS.most), counted(PAGE_ROWS)]
"""How many rows a page has at most; the field's default differs from list to list."""


class PageRequest(BaseModel):
    """What every list can be asked: where to begin, and for how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    after: KeyCursor | None = Field(None, description="`next` of the page before; none for the first.")
    limit: PageLimit = Field(100, description="How many at most.")
