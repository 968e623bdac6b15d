"""Clients that ask and never read, on a real process."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from served_process import ServedProcess, answer_on, run_service

pytestmark = pytest.mark.server

REQUESTS_AHEAD = 2_000


async def test_clients_that_never_read_their_answers_lock_nobody_out() -> None:
    async with AsyncExitStack() as stack:
        service = stack.enter_context(run_service(HTTP__CONNECTIONS="10"))
        for _ in range(30):
            await ask_and_never_read(stack, service)
            status, _ = await service.ask(b"GET /parcels HTTP/1.1\r\nHost: a\r\n\r\n")
            assert status == 200


async def test_a_client_that_does_not_take_its_answer_in_time_is_cut() -> None:
    async with AsyncExitStack() as stack:
        service = stack.enter_context(run_service(HTTP__UNREAD_SECONDS="1"))
        await ask_and_never_read(stack, service)
        async with asyncio.timeout(60):
            while not await limits_hit(service, "unread-answer-seconds"):
                await asyncio.sleep(0.1)


async def test_clients_that_send_thousands_of_requests_ahead_lock_nobody_out() -> None:
    async with AsyncExitStack() as stack:
        service = stack.enter_context(run_service(HTTP__CONNECTIONS="10"))
        readers = [await ask_ahead(stack, service) for _ in range(10)]
        answers = [asyncio.create_task(answer_on(reader, within_seconds=120)) for reader in readers]
        (ended, *_), _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)

        status, _ = await service.ask(b"GET /parcels HTTP/1.1\r\nHost: a\r\n\r\n")

        assert ended.result()[1].count(b"HTTP/1.1 200") < REQUESTS_AHEAD
        assert status == 200
        for answer in answers:
            answer.cancel()


async def ask_ahead(stack: AsyncExitStack, service: ServedProcess) -> asyncio.StreamReader:
    reader, writer = await stack.enter_async_context(service.connection())
    writer.write(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n" * REQUESTS_AHEAD)
    return reader


async def ask_and_never_read(stack: AsyncExitStack, service: ServedProcess) -> None:
    reader, writer = await stack.enter_async_context(service.connection())
    reader._transport.pause_reading()  # type: ignore[attr-defined]  # noqa: SLF001  nothing is taken
    writer.write(b"GET /volume HTTP/1.1\r\nHost: a\r\n\r\n" * 50)


async def limits_hit(service: ServedProcess, name: str) -> int:
    _, answer = await service.ask(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
    hits: dict[str, int] = json.loads(answer.partition(b"\r\n\r\n")[2])["limits"]
    return hits.get(name, 0)
