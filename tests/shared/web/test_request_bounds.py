from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from fastapi import Form
from httpx import ASGITransport, AsyncClient, Response

from shared.limits import hits
from shared.limits import http as limits
from shared.web.problems import install_problem_handlers
from shared.web.request_bounds import BoundedApplication

KIB = 1024
JSON = {"Content-Type": "application/json"}


def an_app() -> BoundedApplication:
    app = BoundedApplication()
    install_problem_handlers(app)

    @app.get("/bodiless")
    @app.head("/bodiless")
    @app.delete("/bodiless")
    @app.options("/bodiless")
    async def bodiless() -> None:
        """Has nothing to say."""

    @app.post("/small")
    async def small(body: dict[str, Any]) -> int:
        return len(str(body))

    @app.post("/large", max_body_size=limits.BULK_REQUEST_BODY_BYTES.most)
    async def large(body: dict[str, Any]) -> int:
        return len(str(body))

    @app.post("/sign-in")
    async def sign_in(email: Annotated[str, Form()]) -> str:
        return email

    @app.post("/sign-out")
    async def sign_out() -> str:
        return "bye"

    return app


async def asked(method: str, path: str, **request: Any) -> Response:
    async with AsyncClient(transport=ASGITransport(an_app()), base_url="http://test") as client:
        return await client.request(method, path, **request)


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """A JSON body of this size, sent without saying how long it is."""
    yield b'{"text":"'
    for _ in range(size // KIB):
        yield b"x" * KIB
    yield b'"}'


def assert_problem(answer: Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize("path", ["/small", "/sign-in", "/sign-out", "/unknown"])
async def test_a_body_that_says_it_is_too_large_is_refused_wherever_it_is_sent(path: str) -> None:
    answer = await asked("POST", path, content=b"x" * 65 * KIB)

    assert_problem(answer, 413)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/small", "/sign-in"])
async def test_a_body_that_does_not_say_its_size_is_counted(path: str) -> None:
    kind = "application/json" if path == "/small" else "application/x-www-form-urlencoded"

    assert_problem(
        await asked("POST", path, content=in_pieces(65 * KIB), headers={"Content-Type": kind}), 413
    )


async def test_a_route_may_take_more_and_has_its_limit_in_the_refusal() -> None:
    taken = await asked("POST", "/large", content=in_pieces(1024 * KIB), headers=JSON)
    refused = await asked("POST", "/large", content=b"x" * 7 * 1024 * KIB, headers=JSON)

    assert taken.status_code == 200
    assert_problem(refused, 413)
    assert "6,291,456 bytes" in refused.json()["detail"]


async def test_a_refusal_is_counted_under_the_limit_of_the_route() -> None:
    before = hits()
    await asked("POST", "/large", content=b"x" * 7 * 1024 * KIB, headers=JSON)
    await asked("POST", "/small", content=b"x" * 65 * KIB, headers=JSON)

    after = hits()
    for name in ("bulk-request-body-bytes", "request-body-bytes"):
        assert after[name] == before.get(name, 0) + 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_methods_that_take_no_body_get_none(method: str) -> None:
    answer = await asked(method, "/bodiless", content=b"{}")

    assert answer.status_code == 413


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "TRACE", "BREW"])
async def test_methods_that_the_path_has_not_are_refused_as_such_whatever_they_bring(method: str) -> None:
    assert (await asked(method, "/small", content=b"{}")).status_code == 405


async def test_an_empty_body_is_no_body() -> None:
    assert (await asked("DELETE", "/small", headers={"Content-Length": "0"})).status_code == 405


@pytest.mark.parametrize("depth", [33, 900, 30_000])
async def test_json_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    body = b'{"provider":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    answer = await asked("POST", "/small", content=body, headers=JSON)

    assert_problem(answer, 422)
    assert "nested deeper than 32 levels" in answer.json()["detail"]


async def test_json_as_deep_as_allowed_is_taken() -> None:
    body = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"

    assert (await asked("POST", "/small", content=body, headers=JSON)).status_code == 200


async def test_a_form_of_thousands_of_fields_is_refused() -> None:
    form = b"&".join(b"a%d=" % number for number in range(5_000))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert_problem(await asked("POST", "/sign-in", content=form, headers=headers), 400)


async def test_a_target_and_headers_within_their_limits_are_taken() -> None:
    headers = {f"X-{number}": "y" for number in range(80)}

    assert (await asked("GET", f"/unknown?q={'a' * 8_000}", headers=headers)).status_code == 404
