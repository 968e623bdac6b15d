from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from people import a_verifier, signed_in
from structlog.testing import capture_logs

from shared.errors import NotFound
from shared.web.person import Person, Role
from shared.web.problems import Problem, install_problem_handlers
from shared.web.security_events import SecurityEvent
from shared.web.token_verification import require_role


def an_app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/lines/{line_id}")
    async def line(
        line_id: str, person: Annotated[Person, Depends(require_role(a_verifier(), Role.VIEWER))]
    ) -> None:
        raise NotFound(f"{person.name} has no line {line_id}")

    @app.get("/open/{thing_id}")
    async def open_to_all(thing_id: str) -> None:
        raise NotFound(f"there is no {thing_id}")

    @app.post("/limited")
    async def limited() -> None:
        refusal = Problem(429, "Too many", "wait", retry_after=7)
        raise refusal.logged_as(SecurityEvent.SIGN_IN_THROTTLED, account="acc_1")

    return app


@pytest.fixture
async def client() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(an_app(), client=("203.0.113.9", 1)), base_url="http://test")


async def test_an_id_that_is_nobodys_or_anothers_is_an_event_of_the_person_who_asked(
    client: AsyncClient,
) -> None:
    with capture_logs() as events:
        await client.get("/lines/usl_of_another_tenant", headers=signed_in(Role.VIEWER, "acme"))

    assert events == [
        {
            "event": "id_unknown",
            "log_level": "warning",
            "client_address": "203.0.113.9",
            "method": "GET",
            "path": "/lines/usl_of_another_tenant",
            "tenant_id": "acme",
            "person_id": "ann",
        }
    ]


async def test_what_is_not_found_by_nobody_in_particular_is_no_event(client: AsyncClient) -> None:
    with capture_logs() as events:
        answer = await client.get("/open/thing")

    assert (answer.status_code, events) == (404, [])


async def test_a_refusal_is_logged_as_its_event_and_says_when_to_come_back(client: AsyncClient) -> None:
    with capture_logs() as events:
        answer = await client.post("/limited")

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert [(event["event"], event["account"]) for event in events] == [("sign_in_throttled", "acc_1")]


async def test_a_long_path_makes_no_long_line(client: AsyncClient) -> None:
    with capture_logs() as events:
        await client.get(f"/lines/{'x' * 5_000}", headers=signed_in(Role.VIEWER))

    assert len(events[0]["path"]) == 200
