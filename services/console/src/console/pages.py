"""The pages as people see them: whom they are for, what they show, and what they say when they cannot."""

from pathlib import Path
from typing import Any

import structlog
from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from console.api import AuthApi
from shared.errors import TransientError
from shared.status_channel import RunStatus, StatusChannel
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.security_events import remember_person
from shared.web.token_verification import TokenVerifier

log = structlog.get_logger()

COOKIE = "trueup_session"

_RETRY_SECONDS = 5
"""When to try again, where nobody said when."""
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503


class Pages:
    """What all pages use: auth, the status channel, the check of tokens, and the templates."""

    def __init__(self, auth: AuthApi, status_channel: StatusChannel, verifier: TokenVerifier) -> None:
        self.auth, self._status_channel, self._verifier = auth, status_channel, verifier
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")

    async def authenticate(self, request: Request) -> Person:
        """Returns who sends the request, by cookie or bearer token; raises a 401 `Problem`. For `Depends`.

        It takes no part of the person's share: pages take theirs as they are shown, and streams have slots.
        """
        person = await self._verifier.person(_token(request))
        remember_person(request, person)
        return person

    async def show(self, request: Request, person: Person, template: str) -> HTMLResponse:
        """Returns a page of the person's integrations, or one that says when to come again."""
        try:
            with self._verifier.fair_share.taken_by(person):
                cards = await self._cards(request, person)
        except (Problem, TransientError) as error:
            return self.render_wait(request, error)
        return self.render(request, template, person=person, cards=cards)

    def render_wait(self, request: Request, error: Problem | TransientError) -> HTMLResponse:
        """Returns a page that says when to come again for what cannot be shown now."""
        too_many, away = "Too many requests at once", "This page cannot be shown at this moment"
        return self.render_retry(request, "wait.html", error, too_many=too_many, away=away)

    def render_retry(
        self,
        request: Request,
        template: str,
        error: Problem | TransientError,
        *,
        too_many: str,
        away: str,
        **context: Any,
    ) -> HTMLResponse:
        """Returns a page that says why not now, and when to try again.

        `too_many` is what it says after a 429, and `away` when something of ours does not answer.
        """
        is_throttled = error.status == _TOO_MANY_REQUESTS
        if not is_throttled:
            # What exactly is away is for those who run the system, and not for the page.
            log.warning("page_not_shown", path=request.url.path, error=str(error))
        seconds = max(1, round(error.retry_after or _RETRY_SECONDS))
        plural = "" if seconds == 1 else "s"
        sentence = f"{too_many if is_throttled else away}: try again in {seconds} second{plural}."
        status = _TOO_MANY_REQUESTS if is_throttled else _UNAVAILABLE
        response = self.render(request, template, status=status, error=sentence, **context)
        response.headers["Retry-After"] = str(seconds)
        return response

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        return self._templates.TemplateResponse(request, template, context, status)

    async def _cards(self, request: Request, person: Person) -> list[dict[str, Any]]:
        """Returns for each integration: itself, the status of its newest run, and how far that run is."""
        integrations = await self.auth.integrations(_token(request))
        statuses = await self._status_channel.snapshot(person.tenant_id)
        return [
            {"integration": integration, "status": status, "percent": _percent(status)}
            for integration in integrations
            for status in [statuses.get(integration.integration_id)]
        ]


def _percent(status: RunStatus | None) -> int | None:
    """Returns the progress, and None while the total is unknown: an empty bar would say nothing was done."""
    if status is None or not status.total:
        return None
    # A run may find more than it had counted, and a bar ends at 100.
    return min(100, round(100 * status.done / status.total))


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token
    return request.cookies.get(COOKIE, "")
