"""How large an answer may be, and how long it may take to arrive, by the kind of call."""

# A call names its kind (`Api.request(…, answer=PAGE)`); one that names none expects a small answer, so a kind
# that was forgotten refuses too much, which shows at once, and never too little. Every error is small.

from dataclasses import dataclass

from shared.limits import Limit
from shared.limits.answers import (
    ANSWER_DEPTH,
    ENTITY_BYTES,
    ENTITY_SECONDS,
    ENTITY_VALUES,
    PAGE_BYTES,
    PAGE_SECONDS,
    PAGE_VALUES,
    SMALL_ANSWER_BYTES,
    SMALL_ANSWER_SECONDS,
    SMALL_ANSWER_VALUES,
)


@dataclass(frozen=True, slots=True)
class AnswerSize:
    """The most that is taken of one kind of answer."""

    most_bytes: Limit
    """Of the body, as it arrives and as it unpacks."""
    most_values: Limit
    """Of its JSON: numbers, texts, lists, objects."""
    most_seconds: Limit
    """From the end of the head to the end of the body."""
    most_levels: Limit | None = ANSWER_DEPTH
    """Of its JSON; None leaves it to Python's parser, which ends below 1,000."""


SMALL = AnswerSize(SMALL_ANSWER_BYTES, SMALL_ANSWER_VALUES, SMALL_ANSWER_SECONDS)
"""A token, a count, an acknowledgement, an error."""
ENTITY = AnswerSize(ENTITY_BYTES, ENTITY_VALUES, ENTITY_SECONDS)
"""One thing with all that belongs to it."""
PAGE = AnswerSize(PAGE_BYTES, PAGE_VALUES, PAGE_SECONDS, most_levels=None)
"""A page of a list."""
