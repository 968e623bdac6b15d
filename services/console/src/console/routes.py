"""HTTP in: the pages for people, and the event stream.  Reads: the status channel."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from console.pages import COOKIE, Pages
from console.stream_slots import StreamSlots
from shared.errors import CredentialsRejected, TransientError
from shared.limits.people import PASSWORD_CHARACTERS
from shared.limits.sign_in import DEVICE_TOKEN_CHARACTERS
from shared.plain_text import counted
from shared.status_hub import StatusHub
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.requests import Email

log = structlog.get_logger()

DEVICE_COOKIE = "trueup_device"

_Password = Annotated[str, Field(max_length=PASSWORD_CHARACTERS.most), counted(PASSWORD_CHARACTERS)]
_DEVICE_LIFETIME = timedelta(days=180)
"""As long as auth knows a device."""

_SEE_OTHER = 303
_STREAM_LIFETIME = timedelta(minutes=15)
"""A token that has expired meanwhile is refused when the browser comes back."""
_RETRY_MS = 2_000
_SIGN_IN_RETRY = {"too_many": "Too many attempts", "away": "Signing in is not possible at this moment"}


def make_router(pages: Pages, hub: StatusHub, slots: StreamSlots) -> APIRouter:
    """Returns the sign-in, the page with the integrations, and `/events`."""
    router = APIRouter()
    router.include_router(_session_routes(pages))
    router.include_router(_page_routes(pages))
    router.include_router(_event_routes(pages, hub, slots))
    return router


def _session_routes(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def show_sign_in(request: Request) -> HTMLResponse:
        return pages.render(request, "sign_in.html")

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        email: Annotated[Email, Form()],
        password: Annotated[_Password, Form()],
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
            return pages.render_retry(request, "sign_in.html", error, **_SIGN_IN_RETRY, email=email)
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
            person = await pages.authenticate(request)
        except Problem as refusal:
            refusal.log_event(request)
            return RedirectResponse("/sign-in", _SEE_OTHER)
        except TransientError as error:
            return pages.render_wait(request, error)
        return await pages.show(request, person, "index.html")

    @router.get("/integrations")
    async def show_integrations(
        request: Request, person: Annotated[Person, Depends(pages.authenticate)]
    ) -> HTMLResponse:
        # The fragment that the index page fetches again when an event comes.
        return await pages.show(request, person, "_integrations.html")

    return router


def _event_routes(pages: Pages, hub: StatusHub, slots: StreamSlots) -> APIRouter:
    router = described_router("events")

    async def slot_holder(
        person: Annotated[Person, Depends(pages.authenticate)],
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
        async with aclosing(_events_of(hub, person)) as stream:
            async for event in stream:
                yield event

    return router


async def _events_of(hub: StatusHub, person: Person) -> AsyncGenerator[ServerSentEvent, None]:
    """Yields the tenant's status documents, the present ones first, for at most 15 minutes."""
    try:
        async with aclosing(hub.follow(person.tenant_id, lifetime=_STREAM_LIFETIME)) as statuses:
            async for status in statuses:
                yield ServerSentEvent(data=status, event="status", id=str(status.seq), retry=_RETRY_MS)
    except TransientError as error:
        # An answer that has begun can have no other status any more: it ends, and the browser comes back.
        log.warning("stream_ended", error=str(error))
        yield ServerSentEvent(comment="the status is out of reach: come back", retry=_RETRY_MS)
