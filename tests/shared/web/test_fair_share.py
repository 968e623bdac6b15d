import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import StreamingResponse
from http_server import serve
from httpx import ASGITransport, AsyncClient
from people import a_verifier, signed_in

from shared import limits
from shared.errors import NotFound
from shared.web.fair_share import authenticated_caller, authenticated_first
from shared.web.person import Person, Role
from shared.web.problems import install_problem_handlers
from shared.web.request_bounds import BoundedApplication
from shared.web.token_verification import require_role


class SlowService:
    """Answers `/slow` and ends `/stream` only when `release` is set."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.app = BoundedApplication()
        install_problem_handlers(self.app)
        self._add_routes(self.app)
        self.client = AsyncClient(transport=ASGITransport(self.app), base_url="http://test")

    def _add_routes(self, app: FastAPI) -> None:
        viewer = require_role(a_verifier(), Role.VIEWER)
        bulk = APIRouter(route_class=authenticated_first(viewer))

        @app.get("/slow")
        async def slow(person: Annotated[Person, Depends(viewer)]) -> str:
            await self.release.wait()
            return person.name

        @app.get("/fast")
        async def fast(person: Annotated[Person, Depends(viewer)]) -> str:
            return person.name

        @app.get("/fault", dependencies=[Depends(viewer)])
        async def fault() -> None:
            raise NotFound("there is nothing here")

        @bulk.post("/bulk", max_body_size=1_000_000)
        async def read(
            words: list[str], person: Annotated[Person, Depends(authenticated_caller)]
        ) -> tuple[int, str]:
            return len(words), person.name

        app.include_router(bulk)

    async def status(self, path: str, tenant: str, person: str = "ann") -> int:
        headers = signed_in(Role.VIEWER, tenant, person_id=person)
        return (await self.client.get(path, headers=headers)).status_code


async def settled(answers: list["asyncio.Task[int]"], count: int) -> None:
    """Waits until so many of the answers are there."""
    async with asyncio.timeout(30):
        while sum(answer.done() for answer in answers) < count:
            await asyncio.sleep(0)


async def test_a_tenant_that_floods_is_refused_and_another_is_answered_at_once() -> None:
    service = SlowService()
    flood = [
        asyncio.create_task(service.status("/slow", "acme", f"person-{number % 50}")) for number in range(200)
    ]
    await settled(flood, 200 - 32)

    async with asyncio.timeout(5):
        other = await service.status("/fast", "zeta")
    service.release.set()
    statuses = await asyncio.gather(*flood)

    assert other == 200
    assert (statuses.count(200), statuses.count(429)) == (32, 168)


async def test_a_person_who_floods_leaves_room_for_others_of_the_tenant() -> None:
    service = SlowService()
    flood = [asyncio.create_task(service.status("/slow", "acme", "ann")) for _ in range(20)]
    await settled(flood, 12)

    other = await service.status("/fast", "acme", "bob")
    service.release.set()

    assert other == 200
    assert sorted(await asyncio.gather(*flood)) == [200] * 8 + [429] * 12


async def test_a_refusal_says_when_to_come_again_and_is_counted() -> None:
    service = SlowService()
    before = limits.hits().get("person-requests", 0)
    flood = [asyncio.create_task(service.status("/slow", "acme")) for _ in range(9)]
    await settled(flood, 1)

    answer = await service.client.get("/fast", headers=signed_in(Role.VIEWER, "acme"))
    service.release.set()
    await asyncio.gather(*flood)

    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "8 requests of one person at once" in answer.json()["detail"]
    assert limits.hits()["person-requests"] == before + 2


async def test_a_refusal_ends_its_connection_and_drops_the_requests_that_follow_on_it() -> None:
    service = SlowService()
    flood = [asyncio.create_task(service.status("/slow", "acme")) for _ in range(9)]
    await settled(flood, 1)
    token = signed_in(Role.VIEWER, "acme")["Authorization"]
    request = f"GET /fast HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\n\r\n".encode()

    async with serve(service.app) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(origin.rpartition(":")[2]))
        writer.write(request * 20)
        async with asyncio.timeout(30):
            came = await reader.read()
        writer.close()
        service.release.set()
        await asyncio.gather(*flood)

    assert came.startswith(b"HTTP/1.1 429 ")
    assert came.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in came.lower()


async def test_a_share_is_free_again_after_answers_and_faults() -> None:
    service = SlowService()
    statuses = [await service.status(path, "acme") for path in ("/fast", "/fault") for _ in range(10)]

    assert statuses == [200] * 10 + [404] * 10
    assert await service.status("/fast", "acme") == 200


async def test_a_streamed_answer_counts_to_its_end() -> None:
    viewer, release, app = require_role(a_verifier(), Role.VIEWER), asyncio.Event(), FastAPI()
    install_problem_handlers(app)

    async def rows() -> AsyncIterator[bytes]:
        yield b"first"
        await release.wait()

    @app.get("/stream", dependencies=[Depends(viewer)])
    async def stream() -> StreamingResponse:
        return StreamingResponse(rows())

    async def ask() -> int:
        return (await client.get("/stream", headers=signed_in(Role.VIEWER))).status_code

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        streams = [asyncio.create_task(ask()) for _ in range(9)]
        await settled(streams, 1)
        release.set()

        assert sorted(await asyncio.gather(*streams)) == [200] * 8 + [429]


async def test_the_large_body_of_a_stranger_is_not_read() -> None:
    pieces = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pieces
        for _ in range(10):
            pieces += 1
            yield b"[" + b" " * 60_000

    answer = await SlowService().client.post(
        "/bulk", content=body(), headers={"Content-Type": "application/json"}
    )

    assert (answer.status_code, pieces) == (401, 0)
    assert answer.headers["connection"] == "close"


async def test_somebody_signed_in_may_send_a_large_body_where_the_route_says_so() -> None:
    words = ["word"] * 50_000

    answer = await SlowService().client.post("/bulk", json=words, headers=signed_in(Role.VIEWER))

    assert answer.json() == [50_000, "Ann"]
