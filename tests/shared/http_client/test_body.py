import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, Self

import httpx
import pytest
from http_fakes import HASTY, Provider, a_real_api, an_api, raw_server

from shared.errors import CredentialsRejected, OutcomeUnknown, TransientError, UnexpectedResponse
from shared.http_client.answer_size import ENTITY, PAGE, AnswerSize
from shared.http_client.retry import CallPolicy
from shared.limits import Limit, hits
from shared.limits.answers import SMALL_ANSWER_BYTES, SMALL_ANSWER_VALUES

KB, MB = 1024, 1024 * 1024
ONCE = CallPolicy(attempts=1)
IN_ONE_SECOND = AnswerSize(
    SMALL_ANSWER_BYTES, SMALL_ANSWER_VALUES, Limit("drip-seconds", 1, "seconds", "a drip", "cut off")
)


def text_of(length: int) -> bytes:
    """A JSON text of so many bytes."""
    return b'"' + b"x" * (length - 2) + b'"'


@pytest.mark.parametrize(
    ("more", "fits", "too_long"),
    [({}, 64 * KB, 65 * KB), ({"answer": ENTITY}, MB, 2 * MB), ({"answer": PAGE}, 16 * MB, 17 * MB)],
    ids=["small", "entity", "page"],
)
async def test_each_kind_of_answer_has_its_own_size(more: dict[str, Any], fits: int, too_long: int) -> None:
    provider = Provider(
        httpx.Response(200, content=text_of(fits)), httpx.Response(200, content=text_of(too_long))
    )

    async with an_api(provider) as api:
        assert len(await api.get("/x", **more)) == fits - 2
        with pytest.raises(UnexpectedResponse, match=r"GET api\.example/base/x answered with more than "):
            await api.get("/x", **more)

    assert len(provider.requests) == 2  # what is too long is not asked for again


async def test_a_success_that_says_it_is_too_long_is_not_read_at_all() -> None:
    head_only = b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n"
    before = hits().get("small-answer-bytes", 0)

    async with raw_server(head_only, hold=True) as (origin, _), a_real_api(origin) as api:
        async with asyncio.timeout(5):
            with pytest.raises(UnexpectedResponse, match="more than 65,536 bytes"):
                await api.get("/x")

    assert hits()["small-answer-bytes"] == before + 1


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsRejected), (503, TransientError)])
async def test_an_error_is_judged_by_its_status_however_long_its_page_is(
    status: int, kind: type[Exception]
) -> None:
    flood = f"HTTP/1.1 {status} No\r\n\r\nno more today ".encode() + b"x" * MB

    async with raw_server(flood) as (origin, _), a_real_api(origin, ONCE) as api:
        with pytest.raises(kind, match="no more today") as raised:
            await api.get("/x", answer=PAGE)

    assert len(str(raised.value)) < 700


async def test_a_compressed_answer_is_unpacked() -> None:
    provider = Provider(FakePacked(gzip.compress(b'{"quantity": 3}'), "gzip"))

    async with an_api(provider) as api:
        assert await api.get("/x") == {"quantity": 3}

    assert provider.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "encoding"), [(b"\x0b\x02\x80", "br"), (zlib.compress(b"{}"), "deflate")], ids=["br", "deflate"]
)
async def test_an_answer_in_an_encoding_that_was_not_asked_for_is_no_answer(
    body: bytes, encoding: str
) -> None:
    async with an_api(Provider(FakePacked(body, encoding)), policy=ONCE) as api:
        with pytest.raises(UnexpectedResponse, match="cannot be decoded"):
            await api.get("/x")


async def test_a_compressed_bomb_stays_small_as_it_unpacks() -> None:
    bomb = gzip.compress(b'"' + b" " * (20 * MB))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"

    async with raw_server(head.encode() + bomb) as (origin, _), a_real_api(origin) as api:
        with Growth() as grew, pytest.raises(UnexpectedResponse, match="more than 65,536 bytes"):
            await api.get("/x")

    assert grew.most_bytes < 3 * MB


async def test_a_compressed_stream_of_nothing_ends() -> None:
    packer = zlib.compressobj(wbits=31)
    nothing = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH) * 20_000
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"

    async with raw_server(head + nothing) as (origin, _), a_real_api(origin) as api:
        with pytest.raises(UnexpectedResponse, match="more than 65,536 bytes"):
            await api.get("/x")


@pytest.mark.parametrize("declared", [True, False])
async def test_thirty_megabytes_for_a_token_cost_less_than_ten(declared: bool) -> None:
    length = f"Content-Length: {30 * MB}\r\n" if declared else ""
    head = f'HTTP/1.1 200 OK\r\n{length}\r\n{{"token": "t", "x": ['.encode()

    async with repeating_server(head, b"1.5," * 16 * KB) as (origin, _), a_real_api(origin) as api:
        with Growth() as grew, pytest.raises(UnexpectedResponse):
            await api.request("POST", "/token", json={}, read_only=True)

    assert grew.most_bytes < 10 * MB


async def test_an_answer_that_drips_is_cut_off_and_a_read_is_repeated() -> None:
    async with dripping_server(b"HTTP/1.1 200 OK\r\n\r\n") as (origin, calls):
        api = a_real_api(origin, CallPolicy(attempts=2, fault_pause=timedelta(milliseconds=1)))
        async with api, asyncio.timeout(10):
            with pytest.raises(TransientError, match="did not end its answer within 1 seconds"):
                await api.get("/x", answer=IN_ONE_SECOND)

    assert calls == [1, 1]


async def test_a_change_whose_answer_drips_may_have_been_made() -> None:
    async with dripping_server(b"HTTP/1.1 200 OK\r\n\r\n") as (origin, _), a_real_api(origin) as api:
        async with asyncio.timeout(10):
            with pytest.raises(OutcomeUnknown):
                await api.request("PATCH", "/x", json=[], answer=IN_ONE_SECOND)


async def test_a_head_that_drips_is_cut_off_too() -> None:
    tenth = timedelta(milliseconds=100)
    policy = CallPolicy(connect_timeout=tenth, read_timeout=tenth, attempts=1)

    async with (
        dripping_server(b"HTTP/1.1 200 OK\r\nX: ") as (origin, calls),
        a_real_api(origin, policy) as api,
    ):
        async with asyncio.timeout(5):
            with pytest.raises(TransientError, match="got no answer"):
                await api.get("/x")

    assert calls == [1]


async def test_a_head_without_end_is_no_answer() -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"X-Y: zzzzzzzz\r\n" * 20_000

    async with raw_server(endless) as (origin, _), a_real_api(origin, ONCE) as api:
        with pytest.raises(TransientError, match="got no answer: RemoteProtocolError"):
            await api.get("/x")


async def test_no_cookie_is_kept() -> None:
    reply = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\n{}"

    async with raw_server(reply) as (origin, requests), a_real_api(origin, HASTY) as api:
        await api.get("/x")
        await api.get("/x")

    assert len(requests) == 2
    assert not any(b"cookie" in request.lower() for request in requests)


class FakePacked(httpx.Response):
    """An answer whose content is packed already: httpx itself would unpack it when it is made."""

    def __init__(self, content: bytes, encoding: str) -> None:
        super().__init__(200, content=content)
        self.headers["content-encoding"] = encoding


class Growth:
    """The most memory that Python held in a block beyond what it held before, in bytes."""

    most_bytes = 0

    def __enter__(self) -> Self:
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.most_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


@asynccontextmanager
async def repeating_server(
    beginning: bytes, part: bytes, pause_seconds: float = 0.0
) -> AsyncIterator[tuple[str, list[int]]]:
    """A loopback socket that sends a beginning, then a part over and over; yields a 1 for each call too."""
    calls = list[int]()

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        calls.append(1)
        writer.write(beginning)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause_seconds)
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", calls


def dripping_server(beginning: bytes) -> AbstractAsyncContextManager[tuple[str, list[int]]]:
    return repeating_server(beginning, b" ", pause_seconds=0.02)
