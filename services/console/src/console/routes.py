"""Pages for people and the event stream.  Reads: the status channel."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.templating import Jinja2Templates

from console.api import AuthApi, IntegrationView
from shared.errors import CredentialsRejected
from shared.status_channel import RunStatus, StatusChannel
from shared.web.person import Person
from shared.web.problems import Problem
from shared.web.token_verification import TokenVerifier

COOKIE = "trueup_session"

_SEE_OTHER = 303
_LIFETIME = timedelta(minutes=15)
_RETRY_MS = 2000


class Pages:
    """Everything that a request may need, made once."""

    def __init__(
        self, auth: AuthApi, live: StatusChannel, verifier: TokenVerifier, *, events_at_once: int
    ) -> None:
        self.auth, self.live, self.verifier = auth, live, verifier
        self.events_left = events_at_once
        self.templates = Jinja2Templates(Path(__file__).parent / "templates")

    async def person(self, request: Request) -> Person:
        """Who looks: the cookie of the page, or the header of a program. 401 otherwise."""
        return await self.verifier.person(_token(request))

    def show(self, request: Request, name: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        return self.templates.TemplateResponse(request, name, context, status)

    async def cards(self, request: Request, person: Person) -> list[dict[str, Any]]:
        """Each integration with where its newest run stands."""
        integrations = await self.auth.integrations(_token(request))
        statuses = await self.live.snapshot(person.tenant_id)
        return [_card(each, statuses.get(each.integration_id)) for each in integrations]


def make_router(pages: Pages) -> APIRouter:
    """The sign-in, the page with the integrations, and `/events`."""
    router = APIRouter()
    router.include_router(_sign_in(pages))
    router.include_router(_looking(pages))
    return router


def _sign_in(pages: Pages) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def ask(request: Request) -> HTMLResponse:
        return pages.show(request, "sign_in.html")

    @router.post("/sign-in")
    async def sign_in(
        request: Request, email: Annotated[str, Form()], password: Annotated[str, Form()]
    ) -> Response:
        try:
            session = await pages.auth.sign_in(email, password)
        except CredentialsRejected as error:
            return pages.show(request, "sign_in.html", status=401, error=str(error), email=email)
        answer = RedirectResponse("/", _SEE_OTHER)
        seconds = int((session.expires_at - datetime.now(UTC)).total_seconds())
        answer.set_cookie(
            COOKIE,
            session.token,
            max_age=seconds,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @router.post("/sign-out")
    async def sign_out() -> Response:
        answer = RedirectResponse("/sign-in", _SEE_OTHER)
        answer.delete_cookie(COOKIE)
        return answer

    return router


def _looking(pages: Pages) -> APIRouter:
    router = APIRouter()
    Looking = Annotated[Person, Depends(pages.person)]  # noqa: N806  a type

    @router.get("/", include_in_schema=False)
    async def index(request: Request) -> Response:
        try:
            person = await pages.person(request)
        except Problem:
            return RedirectResponse("/sign-in", _SEE_OTHER)
        cards = await pages.cards(request, person)
        return pages.show(request, "index.html", person=person, cards=cards)

    @router.get("/integrations", include_in_schema=False)
    async def integrations(request: Request, person: Looking) -> HTMLResponse:
        return pages.show(request, "_integrations.html", cards=await pages.cards(request, person))

    @router.get("/events", response_class=EventSourceResponse)
    async def events(person: Looking) -> AsyncIterator[ServerSentEvent]:
        """Every newer status document of the tenant, as JSON; begins with where things stand."""
        async for event in _events(pages, person):
            yield event

    return router


async def _events(pages: Pages, person: Person) -> AsyncIterator[ServerSentEvent]:
    """A stream has a lifetime: the browser comes back by itself, with a token that still holds."""
    if pages.events_left <= 0:
        yield ServerSentEvent(comment="too many streams are open here", retry=30_000)
        return
    pages.events_left -= 1
    try:
        async for status in pages.live.follow(person.tenant_id, lifetime=_LIFETIME):
            yield ServerSentEvent(data=status, event="status", id=str(status.seq), retry=_RETRY_MS)
    finally:
        pages.events_left += 1


def _card(integration: IntegrationView, status: RunStatus | None) -> dict[str, Any]:
    return {"integration": integration, "status": status, "percent": _percent(status)}


def _percent(status: RunStatus | None) -> int | None:
    """Unknown while the total is: an empty bar would say nothing was done."""
    if status is None or not status.total:
        return None
    return min(100, round(100 * status.done / status.total))


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token
    return request.cookies.get(COOKIE, "")
