"""What requests to several services carry besides their own models."""

import re
from typing import Annotated

from fastapi import Header
from pydantic import BeforeValidator, Field, StringConstraints

from shared.limits.messages import ID_CHARACTERS
from shared.limits.people import EMAIL_CHARACTERS, KEY_CHARACTERS, SEARCH_CHARACTERS
from shared.plain_text import PlainText, counted

Id = Annotated[
    PlainText, StringConstraints(min_length=1, max_length=ID_CHARACTERS.most), counted(ID_CHARACTERS)
]
"""An id as a provider or one of the services gave it."""
SearchText = Annotated[
    PlainText, StringConstraints(max_length=SEARCH_CHARACTERS.most), counted(SEARCH_CHARACTERS)
]
"""What a list is searched for; each service takes it as text, never as a pattern."""
Email = Annotated[PlainText, StringConstraints(max_length=EMAIL_CHARACTERS.most), counted(EMAIL_CHARACTERS)]
"""The e-mail address that somebody signs in with, as they typed it."""

SeenRevision = Annotated[int, Field(ge=0, le=2**53)]
"""The revision of what a person saw when they decided; 0 when there was none. It is about microseconds since
the epoch, and bounded by what every reader of JSON can hold."""

_Key = Annotated[
    PlainText, StringConstraints(min_length=1, max_length=KEY_CHARACTERS.most), counted(KEY_CHARACTERS)
]
_KEY_HEADER = Header(
    description="A new key for each decision. Sent again with the same request it changes nothing."
)

IdempotencyKey = Annotated[_Key, _KEY_HEADER]
"""For a route that refuses to decide anything without a key."""
OptionalIdempotencyKey = Annotated[_Key | None, _KEY_HEADER]
"""For a route that takes a request without a key as a new one; the parameter's default is None."""


def _unquoted(value: object) -> object:
    """Returns the digits of an entity tag such as `"17"`; they may come without quotation marks as well."""
    if not isinstance(value, str):
        return value
    if tag := re.fullmatch(r'"([0-9]{1,19})"|([0-9]{1,19})', value.strip()):
        return tag[1] or tag[2]
    raise ValueError('this is a revision as it was shown, as in `If-Match: 17` or `If-Match: "17"`')


OptionalIfMatch = Annotated[
    SeenRevision | None,
    BeforeValidator(_unquoted, json_schema_input_type=SeenRevision),
    Header(
        description="The revision that the person saw, 0 for none; where another one stands nothing is done"
        " and the answer is 409. Without it the last who decides wins."
    ),
]
"""For a route that decides on what somebody saw; the parameter is called `if_match` and defaults to None."""
