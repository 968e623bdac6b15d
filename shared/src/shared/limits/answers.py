"""Limits on what a far side answers: bytes, values, time, and numbers in headers."""

from shared.limits.limit import Limit

_KIB, _MIB = 1024, 1024 * 1024

SMALL_ANSWER_BYTES = Limit(
    "small-answer-bytes",
    64 * _KIB,
    "bytes",
    "a far side's token, count, acknowledgement or error",
    "a success is refused; of an error the beginning is read",
)
SMALL_ANSWER_VALUES = Limit(
    "small-answer-values", 10_000, "values", "the same, numbers, texts, lists and objects together", "refused"
)
SMALL_ANSWER_SECONDS = Limit(
    "small-answer-seconds", 30, "seconds", "the same, from its head to its end", "cut off; a read is repeated"
)
ENTITY_BYTES = Limit("entity-bytes", 1 * _MIB, "bytes", "one thing that a far side answers", "refused")
ENTITY_VALUES = Limit("entity-values", 50_000, "values", "the same", "refused")
ENTITY_SECONDS = Limit(
    "entity-seconds", 60, "seconds", "the same, from its head to its end", "cut off; a read is repeated"
)
PAGE_BYTES = Limit("page-bytes", 16 * _MIB, "bytes", "a page of a list that a far side answers", "refused")
PAGE_VALUES = Limit("page-values", 500_000, "values", "the same", "refused")
PAGE_SECONDS = Limit(
    "page-seconds", 300, "seconds", "the same, from its head to its end", "cut off; a read is repeated"
)
ANSWER_DEPTH = Limit(
    "answer-depth",
    64,
    "levels",
    "lists and objects within each other in any answer but a page, which Python's parser bounds",
    "refused",
)
NUMBER_CHARACTERS = Limit(
    "number-characters",
    40,
    "characters",
    "a number with a fraction or exponent, as it is written",
    "what the row holds instead is no number, so the row is refused; whole numbers: 4,300 digits",
)
NUMBER_EXPONENT = Limit(
    "number-exponent", 30, "decimal places", "how far a number's first digit is from its point", "the same"
)
HEADER_CHARACTERS = Limit(
    "header-characters",
    8 * _KIB,
    "characters",
    "a header that is read",
    "a `Link` is refused, others are cut",
)
NON_JSON_BYTES = Limit(
    "non-json-bytes", 8 * _KIB, "bytes", "what is looked at of an answer that is no JSON", "cut"
)
PROVIDER_PAUSE_SECONDS = Limit(
    "provider-pause-seconds", 7 * 24 * 3600, "seconds", "the pause that a provider asks for", "shortened"
)
CALL_WAIT_SECONDS = Limit(
    "call-wait-seconds",
    60,
    "seconds",
    "what a call waits for: a pause that a provider asks for, its rate limit",
    "the call ends: a run is put down until then, a write is postponed",
)
TOKEN_LIFE_SECONDS = Limit(
    "token-life-seconds", 24 * 3600, "seconds", "how long a provider says that its token lives", "shortened"
)
ACCESS_TOKEN_CHARACTERS = Limit(
    "access-token-characters", 8 * _KIB, "characters", "a provider's token", "refused"
)
LIST_ROWS = Limit(
    "list-rows",
    1_000_000,
    "rows",
    "a list over all its pages, and how many a provider counts",
    "refused",
)
LIST_PAGES = Limit("list-pages", 10_000, "pages", "a list", "refused")
PAGE_ID_DIGITS = Limit("page-id-digits", 18, "digits", "the id of a list's next page", "refused")
