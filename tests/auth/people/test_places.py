"""Many sign-ins at once: each account and each address has a few, and nobody takes the places of others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from auth_env import PeopleInMemory
from fastapi import FastAPI
from sign_in_env import AWAY, HOME, CountingHashes, a_service, people_of, status_of

from auth.people.models import Member
from auth.people.routes import session_routes
from auth.people.service import SignInService
from shared.limits import hits
from shared.web.person import Role
from shared.web.problems import install_problem_handlers

RIGHT = "right for demo"


@pytest.fixture
def hashes() -> CountingHashes:
    return CountingHashes()


@pytest.fixture
async def people() -> PeopleInMemory:
    """Ann, and two hundred colleagues."""
    people = await people_of("demo")
    for number in range(200):
        await people.save(Member("demo", f"p{number}@x.example", "P", Role.VIEWER, RIGHT))
    return people


@pytest.fixture
async def service(people: PeopleInMemory, hashes: CountingHashes) -> AsyncIterator[SignInService]:
    service = a_service(people, hashes)
    yield service
    hashes.go_on.set()
    await service.close()


class Flood:
    """Sign-ins that have all begun, and that wait for their hashes as long as these are held up."""

    def __init__(self, service: SignInService, hashes: CountingHashes) -> None:
        self._service, self._hashes = service, hashes
        self._tasks: list[asyncio.Task[int]] = []

    async def begin(self, email: str, address: str, *, device_token: str = "") -> asyncio.Task[int]:
        self._hashes.go_on.clear()
        call = status_of(self._service, email, RIGHT, address=address, device_token=device_token)
        self._tasks.append(asyncio.create_task(call))
        await asyncio.sleep(0)  # it runs until it waits for its hash
        return self._tasks[-1]

    def refused(self) -> Counter[int]:
        """The statuses that were answered without any hash."""
        return Counter(task.result() for task in self._tasks if task.done())

    async def end(self) -> Counter[int]:
        self._hashes.go_on.set()
        return Counter(await asyncio.gather(*self._tasks))


@pytest.fixture
def flood(service: SignInService, hashes: CountingHashes) -> Flood:
    return Flood(service, hashes)


async def device_of(service: SignInService, email: str, *, address: str = HOME) -> str:
    return (await service.sign_in(email, RIGHT, None, address=address)).device_token


async def test_two_hundred_sign_ins_of_one_account_take_three_places_and_keep_nobody_out(
    service: SignInService, flood: Flood
) -> None:
    known = await device_of(service, "ann@x.example")
    before = hits().get("sign-ins-at-once-per-account", 0)
    for number in range(200):
        await flood.begin("p0@x.example", f"10.0.0.{number}")

    assert flood.refused() == {429: 197}
    assert hits()["sign-ins-at-once-per-account"] == before + 197

    others = [
        await flood.begin("ann@x.example", "10.0.0.1", device_token=known),
        await flood.begin("p1@x.example", HOME),
    ]
    assert await flood.end() == {201: 5, 429: 197}
    assert [other.result() for other in others] == [201, 201]


async def test_one_address_has_five_places_for_accounts_that_do_not_know_it(
    service: SignInService, flood: Flood
) -> None:
    known = await device_of(service, "ann@x.example")
    before = hits().get("sign-ins-at-once-per-address", 0)
    for number in range(200):
        await flood.begin(f"p{number}@x.example", AWAY)

    assert flood.refused() == {429: 195}
    assert hits()["sign-ins-at-once-per-address"] == before + 195

    own_browser = await flood.begin("ann@x.example", AWAY, device_token=known)
    elsewhere = await flood.begin("p199@x.example", HOME)
    await flood.end()
    assert (own_browser.result(), elsewhere.result()) == (201, 201)


async def test_addresses_of_one_ipv6_site_have_the_places_of_one(flood: Flood) -> None:
    for number in range(10):
        await flood.begin(f"p{number}@x.example", f"2001:db8::{number}")

    assert flood.refused() == {429: 5}
    assert await flood.end() == {201: 5, 429: 5}


async def test_who_signs_in_to_an_account_leaves_its_known_devices_their_places(
    service: SignInService, flood: Flood
) -> None:
    known = await device_of(service, "ann@x.example")
    for number in range(10):
        await flood.begin("ann@x.example", f"10.0.0.{number}")

    own = [await flood.begin("ann@x.example", HOME, device_token=known) for _ in range(10)]

    assert flood.refused() == {429: 14}
    await flood.end()
    assert Counter(task.result() for task in own) == {201: 3, 429: 7}


async def test_many_known_devices_of_one_account_have_the_places_of_one(
    service: SignInService, flood: Flood
) -> None:
    devices = [await device_of(service, "p0@x.example", address=f"10.0.0.{number}") for number in range(10)]
    for device in devices:
        await flood.begin("p0@x.example", HOME, device_token=device)

    assert flood.refused() == {429: 7}
    assert await flood.end() == {201: 3, 429: 7}


async def test_places_are_free_again_after_successes_and_failures(service: SignInService) -> None:
    for _ in range(2):
        statuses = await asyncio.gather(
            *(status_of(service, "ann@x.example", RIGHT) for _ in range(2)),
            status_of(service, "ann@x.example", "wrong"),
        )
        assert statuses == [201, 201, 401]


async def test_a_refusal_is_no_attempt_and_takes_no_hash(
    service: SignInService, flood: Flood, hashes: CountingHashes
) -> None:
    for _ in range(200):
        await flood.begin("ann@x.example", HOME)
    await flood.end()

    assert hashes.calls == 3
    # Had they counted as failures, the next would have to wait.
    assert await status_of(service, "ann@x.example", RIGHT) == 201


async def test_a_refusal_is_a_problem_document_that_says_when_to_come_again(
    service: SignInService, flood: Flood
) -> None:
    app = FastAPI()
    app.include_router(session_routes(service))
    install_problem_handlers(app)
    for _ in range(3):
        await flood.begin("ann@x.example", HOME)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://auth") as client:
        answer = await client.post("/sessions", json={"email": "ann@x.example", "password": RIGHT})

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "3 sign-ins to one account at once: wait until they are answered."
