import asyncio
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from http_fakes import raw_server
from httpx import ASGITransport, AsyncClient, Response
from people import a_verifier, signed_in, token_for

from shared.errors import TransientError
from shared.web.person import Person, Role
from shared.web.problems import install_problem_handlers
from shared.web.token_verification import PublishedKeys, require_role


def an_app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    approver = require_role(a_verifier(), Role.APPROVER)

    @app.get("/me")
    async def me(person: Annotated[Person, Depends(approver)]) -> str:
        return f"{person.tenant_id}/{person.person_id}/{person.role.name}"

    return app


async def asked(headers: dict[str, str]) -> Response:
    async with AsyncClient(transport=ASGITransport(an_app()), base_url="http://test") as client:
        return await client.get("/me", headers=headers)


async def test_a_valid_token_tells_who_is_calling() -> None:
    assert (await asked(signed_in(Role.ADMIN, "acme"))).json() == "acme/ann/ADMIN"


async def test_a_role_that_is_too_low_is_forbidden_in_words() -> None:
    answer = await asked(signed_in(Role.VIEWER))

    assert answer.status_code == 403
    assert answer.json()["detail"] == "Ann is viewer; this needs approver"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer junk", "Basic YTpi", f"Bearer {token_for(Role.ADMIN, seconds=-3600)}"],
    ids=["none", "bare", "junk", "basic", "expired"],
)
async def test_no_valid_token_no_entry(header: str) -> None:
    answer = await asked({"Authorization": header} if header else {})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_strangers_cause_one_fetch_from_an_auth_that_does_not_answer_well() -> None:
    async with raw_server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as (origin, requests):
        keys = PublishedKeys(origin)
        answers = await asyncio.gather(
            *(keys.current(refreshed=False) for _ in range(20)), return_exceptions=True
        )

    assert [type(answer) for answer in answers] == [TransientError] * 20
    assert len(requests) == 1


async def test_a_token_without_signature_is_refused() -> None:
    head, body, _ = token_for(Role.ADMIN).split(".")
    unsigned = "eyJhbGciOiJub25lIn0"

    assert (await asked({"Authorization": f"Bearer {head}.{body}."})).status_code == 401
    assert (await asked({"Authorization": f"Bearer {unsigned}.{body}."})).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b'{"keys": [' + b"[]," * 50_000 + b"[]]}",
        b"x" * 200_000,
        b'{"keys": ' + b"[" * 200 + b"]" * 200 + b"}",
        b"[]",
        b'"keys"',
        b'{"keys": ["a"]}',
        b'{"keys": []}',
    ],
    ids=["values", "bytes", "depth", "list", "text", "no key", "none"],
)
async def test_keys_that_are_none_are_as_if_auth_were_away(body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async with raw_server(head + body) as (origin, requests):
        with pytest.raises(TransientError, match=r"the signing keys of http.* cannot be read"):
            await PublishedKeys(origin).current(refreshed=False)

    assert len(requests) == 1
