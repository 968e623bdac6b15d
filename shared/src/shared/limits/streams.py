"""Limits on live status streams."""

from shared.limits.limit import Limit

STREAMS_PER_PERSON = Limit(
    "streams-per-person",
    16,
    "streams",
    "event streams that one person holds open in a process of the console",
    "the stream is refused with 429 and the time after which to come back",
)
STREAMS_PER_TENANT = Limit(
    "streams-per-tenant",
    64,
    "streams",
    "event streams that the people of one tenant hold open in a process of the console",
    "the stream is refused with 429 and the time after which to come back",
)
STREAMS_PER_PROCESS = Limit(
    "streams-per-process",
    300,
    "streams",
    "event streams that a process of the console holds open; the setting `EVENTS_AT_ONCE` changes it",
    "the stream is refused with 503 and the time after which to come back",
)
STATUSES_PER_TENANT = Limit(
    "statuses-per-tenant",
    1_000,
    "integrations",
    "integrations of one tenant whose status is read from Redis",
    "the status of a further integration is passed over",
)
STATUS_CHARACTERS = Limit(
    "status-characters",
    10_000,
    "characters",
    "a status document in Redis",
    "the document is passed over, as one that cannot be read",
)
