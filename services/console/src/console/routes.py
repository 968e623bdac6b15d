"""HTTP in: the pages for people, and the event stream.  Reads: the status channel."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.templating import Jinja2Templates

from console.api import AuthApi
from console.stream_slots import StreamSlots
from shared.errors import CredentialsRejected, TransientError
from shared.limits.sign_in import DEVICE_TOKEN_CHARACTERS
from shared.status_channel import RunStatus, StatusChannel
from shared.status_hub import StatusHub
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.security_events import remember_person
from shared.web.token_verification import TokenVerifier

log = structlog.get_logger()

COOKIE = "trueup_session"
DEVICE_COOKIE = "trueup_device"

_DEVICE_LIFETIME = timedelta(days=180)
"""As long as auth knows a device."""
_RETRY_SIGN_IN_SECONDS = 5
_TOO_MANY_REQUESTS = 429

_SEE_OTHER = 303
_STREAM_LIFETIME = timedelta(minutes=15)
"""A token that has expired meanwhile is refused when the browser comes back."""
_RETRY_MS = 2_000


class Pages:
    """What all routes use: auth, the status channel and its hub, the check of tokens, and the templates."""

    def __init__(
        self, auth: AuthApi, status_channel: StatusChannel, hub: StatusHub, verifier: TokenVerifier
    ) -> None:
        self.auth, self._status_channel, self._hub, self._verifier = auth, status_channel, hub, verifier
        self._templates = Jinja2Templates(Path(__file__).parent / "templates")

    async def require_person(self, request: Request) -> Person:
        """Returns who sends the request, by cookie or bearer token; raises a 401 `Problem`. For `Depends`."""
        person = await self._verifier.person(_token(request))
        remember_person(request, person)
        return person

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        return self._templates.TemplateResponse(request, template, context, status)

    async def cards(self, request: Request, person: Person) -> list[dict[str, Any]]:
        """Returns for each integration: itself, the status of its newest run, and how far that run is."""
        integrations = await self.auth.integrations(_token(request))
        statuses = await self._status_channel.snapshot(person.tenant_id)
        return [
            {"integration": integration, "status": status, "percent": _percent(status)}
            for integration in integrations
            for status in [statuses.get(integration.integration_id)]
        ]

    async def events(self, person: Person) -> AsyncGenerator[ServerSentEvent, None]:
        """Yields the tenant's status documents, the present ones first, for at most 15 minutes."""
        try:
            async with aclosing(self._hub.follow(person.tenant_id, lifetime=_STREAM_LIFETIME)) as statuses:
                async for status in statuses:
                    yield ServerSentEvent(data=status, event="status", id=str(status.seq), retry=_RETRY_MS)
        except TransientError as error:
            # An answer that has begun can have no other status any more: it ends, and the browser comes back.
            log.warning("stream_ended", error=str(error))
            yield ServerSentEvent(comment="the status is out of reach: come back", retry=_RETRY_MS)


def make_router(pages: Pages, slots: StreamSlots) -> APIRouter:
    """Returns the sign-in, the page with the integrations, and `/events`."""
    router = APIRouter()
    router.include_router(_session_routes(pages))
    router.include_router(_page_routes(pages))
    router.include_router(_event_routes(pages, slots))
    return router


def _session_routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def show_sign_in(request: Request) -> HTMLResponse:
        return pages.render(request, "sign_in.html")

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        email: Annotated[str, Form(max_length=300)],
        password: Annotated[str, Form(max_length=300)],
    ) -> Response:
        device_token = request.cookies.get(DEVICE_COOKIE, "")
        try:
            session = await pages.auth.sign_in(
                email,
                password,
                address=_address(request),
                # A cookie that is longer than any token is none that was set here.
                device_token=device_token if len(device_token) <= DEVICE_TOKEN_CHARACTERS.most else "",
            )
        except CredentialsRejected as error:
            return pages.render(request, "sign_in.html", status=401, error=str(error), email=email)
        except TransientError as error:
            return _sign_in_later(pages, request, error, email)
        response = RedirectResponse("/", _SEE_OTHER)
        lifetime = session.expires_at - datetime.now(UTC)
        _set_cookie(request, response, COOKIE, session.token, lifetime=lifetime)
        _set_cookie(request, response, DEVICE_COOKIE, session.device_token, lifetime=_DEVICE_LIFETIME)
        return response

    @router.post("/sign-out")
    async def sign_out() -> Response:
        response = RedirectResponse("/sign-in", _SEE_OTHER)
        response.delete_cookie(COOKIE)
        return response

    return router


def _set_cookie(request: Request, response: Response, name: str, value: str, *, lifetime: timedelta) -> None:
    """Sets a cookie that scripts cannot read and other sites cannot send; the device's goes to sign-in."""
    response.set_cookie(
        name,
        value,
        max_age=int(lifetime.total_seconds()),
        path="/sign-in" if name == DEVICE_COOKIE else "/",
        httponly=True,
        samesite="strict",
        # Only over TLS: without TLS a browser would never send it back.
        secure=request.url.scheme == "https",
    )


def _sign_in_later(pages: Pages, request: Request, error: TransientError, email: str) -> Response:
    """Returns the page again, with when to try again: after too many failures, or when auth is away."""
    seconds = round(error.retry_after or _RETRY_SIGN_IN_SECONDS)
    is_throttled = error.status == _TOO_MANY_REQUESTS
    reason = "Too many attempts" if is_throttled else "Signing in is not possible at this moment"
    sentence = f"{reason}: try again in {seconds} seconds."
    status = _TOO_MANY_REQUESTS if is_throttled else 503
    response = pages.render(request, "sign_in.html", status=status, error=sentence, email=email)
    response.headers["Retry-After"] = str(seconds)
    return response


def _address(request: Request) -> str | None:
    """Returns the browser's IP address, or None where it is not known as one."""
    try:
        return str(ip_address(request.client.host)) if request.client else None
    except ValueError:
        return None


def _page_routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def show_index(request: Request) -> Response:
        try:
            person = await pages.require_person(request)
        except Problem as refusal:
            refusal.log_event(request)
            return RedirectResponse("/sign-in", _SEE_OTHER)
        cards = await pages.cards(request, person)
        return pages.render(request, "index.html", person=person, cards=cards)

    @router.get("/integrations")
    async def show_integrations(
        request: Request, person: Annotated[Person, Depends(pages.require_person)]
    ) -> HTMLResponse:
        # The fragment that the index page fetches again when an event comes.
        return pages.render(request, "_integrations.html", cards=await pages.cards(request, person))

    return router


def _event_routes(pages: Pages, slots: StreamSlots) -> APIRouter:
    router = described_router("events")

    async def slot_holder(
        person: Annotated[Person, Depends(pages.require_person)],
    ) -> AsyncIterator[Person]:
        with slots.take(person):
            yield person

    @router.get(
        "/events",
        response_class=EventSourceResponse,
        responses=problem_responses(
            _429="The person, or their tenant, has too many streams open: come back after `Retry-After`",
            _503="Too many streams are open here: come back after `Retry-After`",
        ),
    )
    async def events(person: Annotated[Person, Depends(slot_holder)]) -> AsyncIterator[ServerSentEvent]:
        """Follow the tenant's syncs: every newer status document as JSON, beginning with the present ones.

        A reader that is slow gets the newest status of each integration, and not all those before it. The
        stream ends after 15 minutes, and the client comes back; the page's cookie is taken for a token.
        """
        async with aclosing(pages.events(person)) as stream:
            async for event in stream:
                yield event

    return router


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
