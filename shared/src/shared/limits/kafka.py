"""Limits on what Kafka brings."""

from shared.limits.limit import Limit

DEAD_LETTERS_A_MINUTE = Limit(
    "dead-letters-a-minute",
    60,
    "messages",
    "what one consumer sets aside as dead letters within a minute",
    "all are set aside and work goes on; an alarm is logged and the service is degraded",
)
DEAD_LETTER_KEY_BYTES = Limit(
    "dead-letter-key-bytes",
    1_024,
    "bytes",
    "the key of a message that its dead letter repeats; Kafka's client hashes a key byte by byte",
    "the letter has no key",
)
DEAD_LETTER_HEADERS = Limit(
    "dead-letter-headers",
    64,
    "headers",
    "headers of a message that its dead letter repeats",
    "the others are left out; `x-origin` says where the message is",
)
DEAD_LETTER_HEADER_BYTES = Limit(
    "dead-letter-header-bytes",
    16_384,
    "bytes",
    "names and values of the headers that a dead letter repeats, together",
    "a header that does not fit is left out",
)
DEAD_LETTER_BYTES = Limit(
    "dead-letter-bytes",
    1_048_576,
    "bytes",
    "a dead letter with all that it repeats, as Kafka's client takes it",
    "the letter has neither body, key nor the message's headers; `x-origin` says where the message is",
)
LAG_RECORDS = Limit(
    "lag-records",
    2_000,
    "messages",
    "messages of a partition that are counted one by one as its lag",
    "the lag is shown as a range",
)
