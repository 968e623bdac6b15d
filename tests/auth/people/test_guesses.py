"""What guessing comes to: equal work whoever is named, waits for strangers, events for whoever watches."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from auth_env import PeopleInMemory, auth_over_http, auth_settings
from http_server import serve
from provider_fakes import FakeProviders
from sign_in_env import AWAY, HOME, CountingHashes, a_service, people_of, status_of
from structlog.testing import capture_logs

from auth.app import make_app
from auth.people.models import Member
from shared import limits
from shared.contracts.base import opaque
from shared.errors import TransientError
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.web.person import Role
from shared.web.problems import Problem

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("members", [0, 1, 5])
@pytest.mark.parametrize("tenant_id", [None, "t0", "nowhere"])
@pytest.mark.parametrize("password", ["wrong", "right for t0"])
async def test_every_sign_in_takes_one_hash(members: int, tenant_id: str | None, password: str) -> None:
    hashes = CountingHashes()
    service = a_service(await people_of(*(f"t{number}" for number in range(members))), hashes)

    with suppress(Problem):
        await service.sign_in("ann@x.example", password, tenant_id, address=HOME)

    assert hashes.calls == 1


async def test_a_throttled_sign_in_takes_no_hash_whether_or_not_the_person_exists() -> None:
    hashes = CountingHashes()
    service = a_service(await people_of("demo"), hashes)
    calls = []
    for email in ("ann@x.example", "nobody@x.example"):
        before = hashes.calls
        answers = [await status_of(service, email, "wrong") for _ in range(8)]
        calls.append((hashes.calls - before, answers))

    assert calls == [(5, [401] * 5 + [429] * 3)] * 2


async def test_a_hundred_wrong_passwords_of_a_stranger_delay_nobody() -> None:
    service = a_service(await people_of("demo"), CountingHashes())
    right = "right for demo"
    session = await service.sign_in("ann@x.example", right, None, address=HOME)

    guesses = [await status_of(service, "ann@x.example", f"{number}", address=AWAY) for number in range(100)]

    assert guesses == [401] * 5 + [429] * 95
    known = session.device_token
    assert await status_of(service, "ann@x.example", right, address=AWAY, device_token=known) == 201
    assert await status_of(service, "ann@x.example", right, address=HOME) == 201


async def test_a_device_token_of_another_account_spares_nothing() -> None:
    people = await people_of("demo")
    await people.save(Member("demo", "eve@x.example", "Eve", Role.VIEWER, "eve's"))
    service = a_service(people, CountingHashes())
    eve = await service.sign_in("eve@x.example", "eve's", None, address=AWAY)

    answers = [
        await status_of(service, "ann@x.example", "wrong", address=AWAY, device_token=eve.device_token)
        for _ in range(6)
    ]

    assert answers == [401] * 5 + [429]


async def test_so_many_sign_ins_wait_and_the_last_places_are_for_known_devices() -> None:
    hashes = CountingHashes()
    people = await people_of("demo")
    service = a_service(people, hashes)
    session = await service.sign_in("ann@x.example", "right for demo", None, address=HOME)
    hashes.go_on.clear()
    strangers = [
        asyncio.ensure_future(status_of(service, f"p{number}@x.example", "wrong", address=f"10.0.0.{number}"))
        for number in range(30)
    ]
    await asyncio.sleep(0)
    known = asyncio.ensure_future(
        status_of(service, "ann@x.example", "right for demo", device_token=session.device_token)
    )
    await asyncio.sleep(0)
    # Names are looked up by asyncio's own threads, which no password keeps busy.
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "looked up"), 30) == "looked up"
    hashes.go_on.set()

    answers = await asyncio.gather(*strangers)
    assert (answers.count(401), answers.count(503)) == (17, 13)
    assert await known == 201
    assert {name.rpartition("_")[0] for name in hashes.threads} == {"password-hash"}


async def test_failed_and_throttled_sign_ins_are_events_that_tell_no_secret(mongo: Mongo) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        body = {"email": "canary@x.example", "password": "canary-password", "device_token": "canary-device"}
        with capture_logs() as events:
            answers = [await auth.post("/sessions", json=body)]
            # As many as a slow machine needs: from the seventh on the wait is longer than any sign-in takes.
            while answers[-1].status_code == 401 and len(answers) < 12:
                answers.append(await auth.post("/sessions", json=body))

    failed = len(answers) - 1
    assert failed >= 5
    assert [answer.status_code for answer in answers] == [401] * failed + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert [event["event"] for event in events] == ["sign_in_failed"] * failed + ["sign_in_throttled"]
    assert {(event["log_level"], event["path"], event["client_address"]) for event in events} == {
        ("warning", "/sessions", "127.0.0.1")
    }
    assert {event["account"] for event in events} == {"acc_" + opaque("canary@x.example")}
    assert "canary" not in repr(events)


@pytest.mark.parametrize("field", ["email", "password", "tenant_id", "device_token"])
async def test_odd_fields_are_answered_as_what_they_are(mongo: Mongo, field: str) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        for odd in ("x" * 301, {"$gt": ""}, ["a"], 5, "\ud800"):
            body = {"email": "ann@x.example", "password": "wrong"} | {field: odd}
            answer = await auth.post("/sessions", content=json.dumps(body), headers=JSON)
            named = [wrong["name"] for wrong in answer.json()["fields"]]
            assert (answer.status_code, named) == (422, [field]), odd


async def test_a_device_token_that_is_too_long_is_counted(mongo: Mongo) -> None:
    before = limits.hits().get("device-token-characters", 0)

    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        body = {"email": "ann@x.example", "password": "wrong", "device_token": "x" * 201}
        assert (await auth.post("/sessions", json=body)).status_code == 422

    assert limits.hits()["device-token-characters"] == before + 1


async def test_the_address_is_the_one_that_a_trusted_neighbour_passes_on(mongo: Mongo) -> None:
    settings = auth_settings()
    app = make_app(settings, mongo, make_broker(settings.kafka, "auth"))
    app.router.lifespan_context = nullcontext_of  # neither Kafka nor jobs
    body = {"email": "ann@x.example", "password": "wrong"}
    async with serve(app) as origin, httpx.AsyncClient(base_url=origin, timeout=60) as neighbour:
        with capture_logs() as events:
            for address in ("203.0.113.9", "2001:db8::9"):
                await neighbour.post("/sessions", json=body, headers={"X-Forwarded-For": address})

    failed = [event["client_address"] for event in events if event["event"] == "sign_in_failed"]
    assert failed == ["203.0.113.9", "2001:db8::9"]


@asynccontextmanager
async def nullcontext_of(_: object) -> AsyncIterator[None]:
    yield


class PeopleAway(PeopleInMemory):
    """The people, while the document store does not answer."""

    async def find(self, email: str, tenant_id: str | None) -> list[Member]:  # noqa: ARG002  (nobody is found)
        raise TransientError("the document store does not answer")


async def test_who_tried_while_the_people_could_not_be_read_does_not_wait_for_it_afterwards() -> None:
    hashes = CountingHashes()
    people = PeopleAway()
    service = a_service(people, hashes)

    answers = [await status_of(service, "ann@x.example", "right for demo") for _ in range(70)]

    assert answers == [503] * 70
    assert hashes.calls == 0
