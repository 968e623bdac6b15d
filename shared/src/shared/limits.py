"""States every limit on what comes in from outside, and counts how often each was hit in this process."""

# Invariant: what is larger than its limit is refused or shortened, in a way that can be seen, and counted
# here by the limit's name; `/health/ready` of each service shows the counts, which are kept in memory only:
#
#   record_hit(NAME_CHARACTERS)   hits() == {"name-characters": 1}
#
# The table of `shared/README.md` is generated from this module (`make catalogue`).

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that is taken of something, and what happens to more."""

    name: str
    most: int
    unit: str
    bounds: str
    """What the limit is on, for the table."""
    beyond: str
    """What happens to what is larger, for the table."""

    def __str__(self) -> str:
        return f"{self.most:,} {self.unit}"


_hits: Counter[str] = Counter()


def record_hit(limit: Limit) -> None:
    """Counts that something was larger than the limit."""
    _hits[limit.name] += 1


def hits() -> dict[str, int]:
    """Returns how often each limit was hit since the process started, by name; never hit, it is left out."""
    return dict(_hits)


# --- what a message holds ---------------------------------------------------------------------------------

ID_CHARACTERS = Limit(
    "id-characters",
    200,
    "characters",
    "an id or a code, of a provider's or of ours",
    "refused, with its row or message",
)
SERVICE_KEY_CHARACTERS = Limit(
    "service-key-characters", 4_000, "characters", "the key of a vendor service", "refused"
)
NAME_CHARACTERS = Limit(
    "name-characters",
    500,
    "characters",
    "a name or a title",
    "shortened: … and a digest of the whole at its end",
)
SENTENCE_CHARACTERS = Limit(
    "sentence-characters", 2_000, "characters", "a reason or an explanation", "shortened, with … at its end"
)
SIGNIFICANT_DIGITS = Limit(
    "significant-digits", 28, "significant digits", "a number; more could not be added up exactly", "refused"
)
READ_NUMBER_DIGITS = Limit(
    "read-number-digits", 12, "digits before the point", "a quantity or a price that was read", "refused"
)
READ_NUMBER_DECIMALS = Limit(
    "read-number-decimals", 24, "digits behind the point", "a quantity or a price that was read", "refused"
)
NUMBER_DIGITS = Limit(
    "number-digits", 40, "digits before the point", "any number in a message, sums included", "refused"
)
NUMBER_DECIMALS = Limit(
    "number-decimals", 60, "digits behind the point", "any number in a message, sums included", "refused"
)
CURRENCIES = Limit(
    "currencies",
    500,
    "currencies",
    "the sums of a reconciliation",
    "further ones are counted, not summed",
)
SUBSCRIPTION_LINES = Limit(
    "subscription-lines",
    1_000,
    "lines",
    "the product entries of one subscription",
    "the subscription is refused",
)
LIST_ITEMS = Limit("list-items", 2_000, "items", "any other list or table inside a message", "refused")

# --- what a far side answers ------------------------------------------------------------------------------

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
FAR_WORDS_BYTES = Limit(
    "far-words-bytes", 8 * _KIB, "bytes", "what is looked at of an answer that is no JSON", "cut"
)
PROVIDER_PAUSE_SECONDS = Limit(
    "provider-pause-seconds", 7 * 24 * 3600, "seconds", "the pause that a provider asks for", "shortened"
)
TOKEN_LIFE_SECONDS = Limit(
    "token-life-seconds", 24 * 3600, "seconds", "how long a provider says that its token lives", "shortened"
)
TOKEN_CHARACTERS = Limit("token-characters", 8 * _KIB, "characters", "a provider's token", "refused")
LIST_ROWS = Limit(
    "list-rows",
    1_000_000,
    "rows",
    "a list over all its pages, and how many a provider counts",
    "refused",
)
LIST_PAGES = Limit("list-pages", 10_000, "pages", "a list", "refused")
PAGE_ID_DIGITS = Limit("page-id-digits", 18, "digits", "the id of a list's next page", "refused")

# --- what is asked of us over HTTP ------------------------------------------------------------------------

REQUEST_BODY_BYTES = Limit(
    "request-body-bytes", 65_536, "bytes", "the body of a request", "413; a route may declare more"
)
BULK_REQUEST_BODY_BYTES = Limit(
    "bulk-request-body-bytes", 6_291_456, "bytes", "the body of a bulk approval, by a person signed in", "413"
)
"""20,000 decisions with the longest ids and seals come to 5.7 MB."""
REQUEST_BODY_SECONDS = Limit(
    "request-body-seconds", 30, "seconds", "how long the body of a request may take", "408, and the end"
)
REQUEST_BODY_LAG_SECONDS = Limit(
    "request-body-lag-seconds",
    5,
    "seconds",
    "how far a body may fall behind 1 KiB a second",
    "408, and the end",
)
REQUEST_JSON_DEPTH = Limit(
    "request-json-depth", 32, "levels", "lists and objects in each other, in JSON", "422"
)
REQUEST_TARGET_BYTES = Limit(
    "request-target-bytes", 8_192, "bytes", "the path and the query of a request", "414"
)
REQUEST_HEADERS = Limit("request-headers", 100, "headers", "the headers of a request", "431")
REQUEST_HEAD_BYTES = Limit(
    "request-head-bytes", 16_384, "bytes", "the request line and all headers together", "431, and the end"
)
REQUEST_HEAD_SECONDS = Limit(
    "request-head-seconds",
    10,
    "seconds",
    "from a connection, or a head's first byte, to its end",
    "408, and the end",
)
IDLE_CONNECTION_SECONDS = Limit(
    "idle-connection-seconds",
    15,
    "seconds",
    "how long a connection is kept without a request",
    "it is closed",
)
CONNECTIONS = Limit(
    "connections",
    500,
    "connections",
    "open connections of a process",
    "the one that waits for its client longest is closed; if all are at work, 503",
)
HALF_OPEN_CONNECTIONS = Limit(
    "half-open-connections",
    100,
    "connections",
    "connections whose head is not complete",
    "of the address that has most of them, the oldest is answered 503 and closed",
)
PERSON_REQUESTS = Limit(
    "person-requests", 8, "requests", "requests of one person at once, in a process", "429"
)
TENANT_REQUESTS = Limit(
    "tenant-requests", 32, "requests", "requests of one tenant at once, in a process", "429"
)

# --- live status streams ----------------------------------------------------------------------------------

STREAMS_PER_PERSON = Limit(
    "streams-per-person",
    8,
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
    500,
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

# --- signing in -------------------------------------------------------------------------------------------

SIGN_INS_PER_ACCOUNT = Limit(
    "sign-ins-per-account",
    30,
    "attempts",
    "failed sign-ins to one account from devices that are not known, besides one every 20 seconds",
    "the attempt is answered 429, whoever makes it; devices that are known sign in",
)
SIGN_INS_PER_ADDRESS = Limit(
    "sign-ins-per-address",
    60,
    "attempts",
    "failed sign-ins from one address (of IPv6, one /64) to any account, besides one every 5 seconds",
    "the attempt is answered 429; devices that are known sign in",
)
SIGN_INS_REMEMBERED = Limit(
    "sign-ins-remembered",
    10_000,
    "entries",
    "accounts, addresses and devices whose failed sign-ins are counted",
    "what matters least is forgotten",
)
SIGN_INS_WAITING = Limit(
    "sign-ins-waiting",
    20,
    "sign-ins",
    "sign-ins that wait for a thread to check their password; five places are for known devices",
    "the attempt is answered 503 and the time after which to come back",
)
DEVICE_TOKEN_CHARACTERS = Limit(
    "device-token-characters",
    200,
    "characters",
    "the token by which a device is known",
    "the sign-in is answered 422",
)
TOKEN_CHARACTERS = Limit(
    "token-characters",
    4_096,
    "characters",
    "a person's token",
    "the token is refused with 401 before it is decoded",
)
CLAIM_CHARACTERS = Limit(
    "claim-characters",
    200,
    "characters",
    "the tenant, id, name or role that a token states",
    "the token is refused with 401",
)

# --- what Kafka brings ------------------------------------------------------------------------------------

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

# --- what a process does with it --------------------------------------------------------------------------

EVENT_LOOP_BLOCKED_SECONDS = Limit(
    "event-loop-blocked-seconds",
    2,
    "seconds",
    "one call that holds up the event loop",
    "degraded",
)
EVENT_LOOP_LOST_SECONDS = Limit(
    "event-loop-lost-seconds", 120, "seconds", "the same", "the process ends, to be started again"
)

# --- what people type --------------------------------------------------------------------------------------

_REFUSED = "the request is refused with 422, which names the field"

TENANT_ID_CHARACTERS = Limit(
    "tenant-id-characters", 200, "characters", "the id of a tenant", "no collection is opened for it"
)
KEY_CHARACTERS = Limit("idempotency-key-characters", 200, "characters", "an `Idempotency-Key`", _REFUSED)
SEARCH_CHARACTERS = Limit("search-characters", 200, "characters", "what a list is searched for", _REFUSED)
REASON_CHARACTERS = Limit("reason-characters", 500, "characters", "the reason of an exclusion", _REFUSED)
CURSOR_CHARACTERS = Limit(
    "cursor-characters", 4_000, "characters", "the cursor of a page", "it is refused as one never given out"
)
PAGE_ROWS = Limit("page-rows", 500, "rows", "how many rows are asked for at once", _REFUSED)
DECISIONS = Limit("decisions", 20_000, "decisions", "the decisions of one request", _REFUSED)
CONNECTION_CHARACTERS = Limit(
    "connection-characters", 300, "characters", "a field of a provider's connection", _REFUSED
)
INTEGRATION_NAME_CHARACTERS = Limit(
    "integration-name-characters", 100, "characters", "the name given to an integration", _REFUSED
)
FIELD_ERRORS = Limit(
    "field-errors",
    50,
    "fields",
    "how many wrong fields a refusal names",
    "the others are counted in `detail`",
)
FIELD_NAME_CHARACTERS = Limit(
    "field-name-characters", 200, "characters", "the name of a wrong field", "the name is cut in the refusal"
)


def all_limits() -> list[Limit]:
    """Returns every limit of this module, in the order in which they stand here."""
    return [value for value in globals().values() if isinstance(value, Limit)]
