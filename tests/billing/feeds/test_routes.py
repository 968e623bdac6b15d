from collections.abc import AsyncIterator
from functools import partial

import pytest
from billing_world import World, a_world
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from observation_builders import NOW, TENANT, VENDOR, a_subscription
from people import a_verifier, signed_in

from billing.feeds import routes
from billing.feeds.models import HeldRun, JudgedRun, RunRecord
from shared.mongo import Mongo
from shared.web.person import Role
from shared.web.problems import install_problem_handlers

HELD = HeldRun(
    tenant_id=TENANT, integration_id=VENDOR, run_id="run-2", objection="all 4 lines vanish", held_at=NOW
)
RELEASE, REJECT = (f"/held-runs/{VENDOR}/run-2/{verb}" for verb in ("release", "reject"))
REASON = {"reason": "the customer left"}


@pytest.fixture
async def world(mongo: Mongo) -> World:
    """A manifest of a held run counts."""
    world = await a_world(mongo)
    await world.read(a_subscription(run_id="run-2"))
    await mongo.documents("manifests", TENANT).change({}, {"$set": {"current.run_id": "run-2"}})
    judged = JudgedRun(RunRecord(HELD.ref), {}, HELD)
    await mongo.transaction(partial(world.feeds.store_judged, TENANT, [judged]))
    return world


@pytest.fixture
async def client(world: World) -> AsyncIterator[AsyncClient]:
    app = FastAPI()
    install_problem_handlers(app)
    app.include_router(routes.make_router(a_verifier(), world.feed_breaker, world.feeds))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://billing.test") as client:
        yield client


async def test_a_viewer_sees_what_is_held_and_why(client: AsyncClient) -> None:
    answer = await client.get("/held-runs", headers=signed_in(Role.VIEWER, TENANT))

    [shown] = answer.json()["runs"]
    assert (shown["run_id"], shown["state"], shown["objection"]) == ("run-2", "held", "all 4 lines vanish")


async def test_an_approver_releases_it_once(client: AsyncClient) -> None:
    headers = signed_in(Role.APPROVER, TENANT)

    first = await client.post(RELEASE, json=REASON, headers=headers)
    second = await client.post(REJECT, json=REASON, headers=headers)

    assert (first.status_code, first.json()["state"], first.json()["reason"]) == (
        200,
        "released",
        "the customer left",
    )
    assert second.status_code == 409
    assert second.json()["detail"] == "run run-2 is not held any more: it was released"


@pytest.mark.parametrize("path", [RELEASE, REJECT])
@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAPPER])
async def test_nobody_else_resolves_it(client: AsyncClient, path: str, role: Role) -> None:
    assert (await client.post(path, json=REASON, headers=signed_in(role, TENANT))).status_code == 403


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "r" * 251}])
async def test_a_resolution_without_a_reason_changes_nothing(
    client: AsyncClient, world: World, body: dict[str, str]
) -> None:
    answer = await client.post(REJECT, json=body, headers=signed_in(Role.APPROVER, TENANT))

    assert (answer.status_code, answer.json()["fields"][0]["name"]) == (422, "reason")
    assert [held.state for held in await world.feeds.holds(TENANT)] == ["held"]


async def test_a_run_that_was_never_held_is_not_found(client: AsyncClient) -> None:
    path = f"/held-runs/{VENDOR}/run-9/release"

    assert (await client.post(path, json=REASON, headers=signed_in(Role.APPROVER, TENANT))).status_code == 404


async def test_another_tenant_neither_sees_nor_resolves_it(client: AsyncClient) -> None:
    headers = signed_in(Role.APPROVER, "other")

    assert (await client.get("/held-runs", headers=headers)).json()["runs"] == []
    assert (await client.post(RELEASE, json=REASON, headers=headers)).status_code == 404
