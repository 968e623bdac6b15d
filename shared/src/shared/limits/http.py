"""Limits on what is asked of us over HTTP, before anybody is known and after."""

from shared.limits.limit import Limit

REQUEST_BODY_BYTES = Limit(
    "request-body-bytes", 65_536, "bytes", "the body of a request", "413; a route may declare more"
)
BULK_REQUEST_BODY_BYTES = Limit(
    "bulk-request-body-bytes",
    6_291_456,
    "bytes",
    "the body of a request for many decisions, by a person signed in",
    "413",
)
"""20,000 decisions with the longest ids and seals come to 5.7 MB."""
IMPORT_BODY_BYTES = Limit(
    "import-body-bytes", 52_428_800, "bytes", "a file of mappings, sent by a person signed in", "413"
)
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
UNREAD_ANSWER_SECONDS = Limit(
    "unread-answer-seconds",
    30,
    "seconds",
    "how long a client may leave bytes of an answer untaken",
    "the end",
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
    "person-requests", 8, "requests", "requests of one person at once, in a process", "429, and the end"
)
TENANT_REQUESTS = Limit(
    "tenant-requests", 32, "requests", "requests of one tenant at once, in a process", "429, and the end"
)
