import asyncio
import json
from datetime import timedelta
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from http_fakes import raw_server
from httpx import ASGITransport, AsyncClient, Response
from people import a_verifier, published_keys, signed, signed_in, token_for, token_stating
from structlog.testing import capture_logs

from shared.errors import TransientError
from shared.limits import hits
from shared.runtime.settings import AuthSettings
from shared.web.person import Person, Role
from shared.web.problems import Problem, install_problem_handlers
from shared.web.token_verification import PublishedKeys, TokenVerifier, require_role


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
        with pytest.raises(TransientError, match="the keys of our sign-in service cannot be read"):
            await PublishedKeys(origin).current(refreshed=False)

    assert len(requests) == 1


ODD_TEXTS = {
    "query": {"$gt": ""},
    "number": 5,
    "list": ["demo"],
    "nothing": None,
    "empty": "",
    "line break": "de\nmo",
    "zero byte": "demo\x00",
    "lone surrogate": "de\ud800mo",
    "text that runs the other way": "de\u202emo",
    "long": "x" * 201,
}
ODD_TIMES = {"text": "tomorrow", "list": [], "object": {}, "truth": True, "no number": float("nan")}


@pytest.mark.parametrize("claim", ["tenant", "sub", "name", "role"])
@pytest.mark.parametrize("odd", ODD_TEXTS)
async def test_a_claim_that_is_no_short_plain_text_is_refused(claim: str, odd: str) -> None:
    answer = await asked({"Authorization": f"Bearer {token_stating(**{claim: ODD_TEXTS[odd]})}"})

    assert answer.status_code == 401


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("odd", ODD_TIMES)
async def test_a_time_that_is_no_time_is_refused(claim: str, odd: str) -> None:
    answer = await asked({"Authorization": f"Bearer {token_stating(**{claim: ODD_TIMES[odd]})}"})

    assert answer.status_code == 401


async def test_a_name_in_any_script_is_taken() -> None:
    answer = await asked({"Authorization": f"Bearer {token_stating(name='Zoë 李 O’Neil', tenant='t' * 200)}"})

    assert answer.status_code == 200


@pytest.mark.parametrize("payload", ["", "[]", "5", '"x"', "{", "[" * 2_500, '{"tenant":' * 200])
async def test_a_signed_token_that_holds_no_claims_is_refused(payload: str) -> None:
    assert (await asked({"Authorization": f"Bearer {signed(payload)}"})).status_code == 401


async def test_a_token_that_is_too_long_is_refused_before_it_is_looked_at() -> None:
    before = hits().get("token-characters", 0)
    token = token_stating(tenant="x" * 10_240)

    async with raw_server(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") as (origin, requests):
        with pytest.raises(Problem, match="longer than 4,096 characters"):
            await TokenVerifier(AuthSettings(url=origin)).person(token)

    assert (await asked({"Authorization": f"Bearer {token}"})).status_code == 401
    assert hits()["token-characters"] == before + 2
    assert requests == []


async def test_a_flood_of_refused_tokens_fetches_the_keys_once() -> None:
    body = json.dumps(published_keys()).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with raw_server(head.encode() + body) as (origin, requests):
        verifier = TokenVerifier(AuthSettings(url=origin))
        answers = await asyncio.gather(
            *(verifier.person(f"{number}.b.c") for number in range(200)), return_exceptions=True
        )

    assert [type(answer) for answer in answers] == [Problem] * 200
    assert len(requests) == 1


async def test_valid_requests_do_not_wait_while_auth_is_asked_for_newer_keys_and_hangs() -> None:
    body = json.dumps(published_keys()).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    async with raw_server(head.encode() + body, b"", hold=True) as (origin, requests):
        keys = PublishedKeys(origin, cool_down=timedelta(0))
        verifier = TokenVerifier(AuthSettings(url=origin), keys)
        await keys.current(refreshed=False)
        forged = asyncio.create_task(verifier.person("a.b.c"))
        async with asyncio.timeout(30):
            while len(requests) < 2:
                await asyncio.sleep(0)

        person = await verifier.person(token_for(Role.VIEWER, "acme"))

        assert person.tenant_id == "acme"
        assert not forged.done()
        forged.cancel()


async def test_refused_tokens_and_roles_are_security_events_without_the_token() -> None:
    too_low, forged = signed_in(Role.VIEWER, "acme"), "canary.canary.canary"
    with capture_logs() as events:
        await asked(too_low)
        await asked({"Authorization": f"Bearer {forged}"})
        await asked({})

    assert [(event["event"], event["log_level"], event["path"]) for event in events] == [
        ("role_refused", "warning", "/me"),
        ("token_refused", "warning", "/me"),
    ]
    assert {name: events[0][name] for name in ("tenant_id", "person_id", "role", "needed")} == {
        "tenant_id": "acme",
        "person_id": "ann",
        "role": "viewer",
        "needed": "approver",
    }
    assert "canary" not in repr(events)
    assert too_low["Authorization"].removeprefix("Bearer ") not in repr(events)
