"""What requests to several services carry besides their own models."""

from typing import Annotated

from fastapi import Header
from pydantic import StringConstraints

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
