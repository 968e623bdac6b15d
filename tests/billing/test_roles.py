from collections.abc import AsyncIterator

import pytest
from approval_env import an_approval_env
from billing_http import billing_client
from httpx import AsyncClient
from lines import VENDOR, a_line, an_integration
from people import signed_in

from shared.contracts.base import Side
from shared.mongo import Mongo
from shared.web.person import Role

READS = [
    "/usage",
    "/usage/line_1",
    "/usage/line_1/history",
    "/approvals",
    "/approvals/apr_1",
    "/runs",
    "/audit",
]
DECISIONS = ["/usage/line_1/approvals", "/approvals"]


@pytest.fixture
async def client(mongo: Mongo) -> AsyncIterator[AsyncClient]:
    env = await an_approval_env(mongo, a_line())
    env.connected.known.append(an_integration(VENDOR, side=Side.VENDOR))
    async with billing_client(env) as client:
        yield client


@pytest.mark.parametrize("path", READS)
async def test_nothing_is_read_without_signing_in(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("path", [*DECISIONS, "/syncs"])
async def test_nothing_is_sent_without_signing_in(client: AsyncClient, path: str) -> None:
    answer = await client.post(path, json={})

    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.parametrize("path", DECISIONS)
@pytest.mark.parametrize("role", [Role.VIEWER, Role.MAPPER])
async def test_only_an_approver_decides(client: AsyncClient, path: str, role: Role) -> None:
    headers = signed_in(role) | {"Idempotency-Key": "key-1"}
    body = {"seal": "s"} if path.startswith("/usage") else {"items": [{"line_id": "line_1", "seal": "s"}]}

    answer = await client.post(path, json=body, headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert "needs approver" in answer.json()["detail"]


async def test_a_viewer_may_read_all(client: AsyncClient) -> None:
    codes = {path: (await client.get(path, headers=signed_in(Role.VIEWER))).status_code for path in READS}

    assert codes == dict.fromkeys(READS, 200) | {"/approvals/apr_1": 404}


async def test_a_mapper_may_sync_and_a_viewer_not(client: AsyncClient) -> None:
    answer = await client.post("/syncs", json={"kind": "quick"}, headers=signed_in(Role.MAPPER))
    refused = await client.post("/syncs", json={"kind": "quick"}, headers=signed_in(Role.VIEWER))

    assert (answer.status_code, refused.status_code) == (202, 403)
    assert len(answer.json()["integration_ids"]) == 2
    assert answer.json()["sync_id"].startswith("syn_")


async def test_with_nothing_active_a_sync_is_refused_with_what_to_do(client: AsyncClient) -> None:
    answer = await client.post("/syncs", json={}, headers=signed_in(Role.ADMIN, "other"))

    assert answer.status_code == 409
    assert "finish mapping" in answer.json()["detail"]


async def test_a_kind_of_sync_that_is_none_is_refused(client: AsyncClient) -> None:
    answer = await client.post("/syncs", json={"kind": "slow"}, headers=signed_in(Role.ADMIN))

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "kind"
