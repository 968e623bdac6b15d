"""Security events: what a person who watches over the system wants to know of, one fixed name each.

Each is a log line of level warning; `deploy/README.md` lists them with their fields.
"""

from enum import StrEnum

import structlog
from fastapi import Request

from shared.web.person import Person

log = structlog.get_logger()

_LONGEST_PATH_CHARACTERS = 200


class SecurityEvent(StrEnum):
    """The names, which alerts rest on: they stay as they are."""

    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    TOKEN_REFUSED = "token_refused"  # noqa: S105  (a name)
    ROLE_REFUSED = "role_refused"
    ID_UNKNOWN = "id_unknown"
    """Asked for by somebody who is signed in: nobody's id, or another tenant's, which nothing tells apart."""


def remember_person(request: Request, person: Person) -> None:
    """Notes who sends the request, for the events that are logged of it."""
    request.state.person = person


def known_person(request: Request) -> Person | None:
    """Returns who sends the request, or None while nobody has proved it."""
    person: Person | None = getattr(request.state, "person", None)
    return person


def log_security_event(event: SecurityEvent, request: Request, **facts: str) -> None:
    """Logs the event with who and where; `facts` hold no password, no token and no e-mail address."""
    person = known_person(request)
    who = {"tenant_id": person.tenant_id, "person_id": person.person_id} if person else {}
    log.warning(
        event.value,
        client_address=request.client.host if request.client else None,
        method=request.method,
        path=request.url.path[:_LONGEST_PATH_CHARACTERS],
        **who,
        **facts,
    )
