"""Attacks on a real process by somebody who has not signed in, on connections of their own."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from served_process import LIVE, ServedProcess, answer_on, run_service

pytestmark = pytest.mark.server

MEGABYTE = 1024 * 1024
POST = b"POST /parcels HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
PATIENCE = b"GET /patience HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[ServedProcess]:
    with run_service() as running:
        yield running


@pytest.fixture
def hasty_service() -> Iterator[ServedProcess]:
    with run_service(HTTP__HEAD_SECONDS="1", HTTP__IDLE_SECONDS="2") as running:
        yield running


@pytest.fixture
def narrow_service() -> Iterator[ServedProcess]:
    """Ten connections at once, of which three may wait for their request."""
    with run_service(HTTP__CONNECTIONS="10", HTTP__HALF_OPEN_CONNECTIONS="3") as running:
        yield running


def problem_in(answer: bytes) -> dict[str, object]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    problem: dict[str, object] = json.loads(body)
    return problem


async def limits_hit(service: ServedProcess) -> dict[str, int]:
    """How often each limit was hit, as the service's health tells it."""
    _, answer = await service.ask(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
    hits: dict[str, int] = json.loads(answer.partition(b"\r\n\r\n")[2])["limits"]
    return hits


async def send_body(service: ServedProcess, framing: bytes, piece: bytes, pieces: int) -> tuple[int, bytes]:
    """Sends a large body as fast as it is taken; returns what was answered meanwhile or afterwards."""
    async with service.connection() as (reader, writer):
        answered = asyncio.ensure_future(answer_on(reader))
        writer.write(POST + framing + b"\r\n\r\n")
        try:
            for _ in range(pieces):
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        return await answered


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_body_of_100_megabytes_by_a_stranger_is_refused_and_costs_no_memory(
    service: ServedProcess, framing: str
) -> None:
    before = service.peak_bytes()

    if framing == "length":
        length = f"Content-Length: {100 * MEGABYTE}\r\nConnection: close".encode()
        status, answer = await send_body(service, length, b"x" * MEGABYTE, 100)
    else:
        chunk = b"100000\r\n" + b"x" * MEGABYTE + b"\r\n"
        chunked = b"Transfer-Encoding: chunked\r\nConnection: close"
        status, answer = await send_body(service, chunked, chunk, 100)

    assert status == 413
    assert "65,536 bytes" in str(problem_in(answer)["detail"])
    assert service.peak_bytes() - before < 20 * MEGABYTE


async def test_200_half_open_connections_do_not_keep_an_honest_request_waiting(
    service: ServedProcess,
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(200):
            _, writer = await stack.enter_async_context(service.connection())
            writer.write(b"GET /parcels HTTP/1.1\r\nHost: te")

        status, _ = await service.ask(within_seconds=2)

    assert status == 200


async def test_a_head_that_is_not_complete_in_time_is_answered_and_cut(hasty_service: ServedProcess) -> None:
    async with hasty_service.connection() as (reader, writer):
        writer.write(b"GET /parcels HTTP/1.1\r\n")
        answer = asyncio.ensure_future(answer_on(reader))
        for number in range(300):
            if answer.done():
                break
            writer.write(f"X-{number}: 1\r\n".encode())
            await asyncio.wait([answer], timeout=0.1)

        status, came = await answer

    assert status == 408
    assert problem_in(came)["title"] == "Request Timeout"


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(
    hasty_service: ServedProcess,
) -> None:
    async with hasty_service.connection() as (reader, _):
        assert await answer_on(reader, within_seconds=5) == (0, b"")


async def test_a_connection_is_kept_for_the_next_request_and_closed_when_none_comes(
    hasty_service: ServedProcess,
) -> None:
    async with hasty_service.connection() as (reader, writer):
        writer.write(LIVE)
        await reader.readuntil(b"}")
        writer.write(LIVE)
        await reader.readuntil(b"}")
        assert await answer_on(reader, within_seconds=10) == (0, b"")

    assert await limits_hit(hasty_service) == {"idle-connection-seconds": 1}


async def test_the_head_of_a_second_request_has_no_more_time_than_that_of_the_first(
    hasty_service: ServedProcess,
) -> None:
    async with hasty_service.connection() as (reader, writer):
        writer.write(LIVE)
        await reader.readuntil(b"}")
        writer.write(b"GET /health/live HT")
        status, _ = await answer_on(reader, within_seconds=5)

    assert status == 408


async def test_a_body_that_trickles_is_cut(service: ServedProcess) -> None:
    async with service.connection() as (reader, writer):
        writer.write(POST + b"Content-Length: 1000\r\n\r\n")
        answer = asyncio.ensure_future(answer_on(reader))
        for _ in range(300):
            if answer.done():
                break
            writer.write(b" ")
            await asyncio.wait([answer], timeout=0.1)

        status, came = await answer

    assert status == 408
    assert "body" in str(problem_in(came)["detail"])


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Y: z\r\n" * 5_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Y: z\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 200_000, 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /?q=" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"\x00\x01 nonsense\r\n\r\n", 400),
        (b"GET /parcels HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 413),
        (b"GET /unknown HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ],
    ids=["bytes-of-headers", "headers", "one-header", "path", "query", "nonsense", "body-of-get", "unknown"],
)
async def test_every_refusal_is_a_problem_document(
    service: ServedProcess, request_head: bytes, expected: int
) -> None:
    status, answer = await service.ask(request_head)

    assert status == expected
    assert problem_in(answer)["status"] == expected


async def test_half_open_connections_give_way_to_newer_ones(narrow_service: ServedProcess) -> None:
    async with AsyncExitStack() as stack:
        oldest, writer = await stack.enter_async_context(narrow_service.connection())
        writer.write(b"GET / HT")
        answer = asyncio.ensure_future(answer_on(oldest, within_seconds=5))
        while not answer.done():
            _, writer = await stack.enter_async_context(narrow_service.connection())
            writer.write(b"GET / HT")
            await asyncio.wait([answer], timeout=0.1)

        status, came = await answer

    assert status == 503
    assert problem_in(came)["title"] == "Service Unavailable"


async def test_many_connections_that_come_at_once_are_all_answered(narrow_service: ServedProcess) -> None:
    answers = await asyncio.gather(*(narrow_service.ask() for _ in range(10)))

    assert [status for status, _ in answers] == [200] * 10


async def test_idle_connections_give_way_to_newer_ones(narrow_service: ServedProcess) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(10):
            reader, writer = await stack.enter_async_context(narrow_service.connection())
            writer.write(LIVE)
            await reader.readuntil(b"}")

        status, _ = await narrow_service.ask(b"GET /parcels HTTP/1.1\r\nHost: a\r\n\r\n", within_seconds=5)

    assert status == 200


async def test_health_is_told_when_requests_hold_all_connections(narrow_service: ServedProcess) -> None:
    refused, answer = 200, b""
    async with AsyncExitStack() as stack:
        while refused == 200:
            _, writer = await stack.enter_async_context(narrow_service.connection())
            writer.write(PATIENCE)
            refused, answer = await narrow_service.ask(b"GET /parcels HTTP/1.1\r\nHost: a\r\n\r\n")
        live, _ = await narrow_service.ask(LIVE)

    assert (refused, live) == (503, 200)
    assert b"retry-after: " in answer.lower()
    assert problem_in(answer)["title"] == "Service Unavailable"


async def test_limits_that_were_hit_are_counted_in_the_health_report(service: ServedProcess) -> None:
    await service.ask(b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    assert (await limits_hit(service))["request-target-bytes"] >= 1
