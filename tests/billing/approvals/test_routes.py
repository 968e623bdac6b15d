import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from approval_env import ApprovalEnv, an_approval_env
from billing_http import billing_client
from httpx import AsyncClient, Response
from lines import a_line
from people import signed_in

from billing.audit.chain import ChainHead, verify
from billing.usage.usage_line import UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.limits import hits
from shared.mongo import Mongo
from shared.web.person import Role


@pytest.fixture
async def env(mongo: Mongo) -> ApprovalEnv:
    return await an_approval_env(mongo, a_line(), a_line("line_2"), a_line(tenant_id="other"))


@pytest.fixture
async def client(env: ApprovalEnv) -> AsyncIterator[AsyncClient]:
    async with billing_client(env) as client:
        yield client


async def test_an_approval_is_created_once_and_answered_again_for_the_same_key(client: AsyncClient) -> None:
    first = await approve(client, a_line())
    again = await approve(client, a_line())

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["target"], first.json()["expected_current"]) == (
        "commanded",
        "7",
        "5",
    )


async def test_the_same_key_with_another_request_is_refused(client: AsyncClient) -> None:
    await approve(client, a_line())

    answer = await approve(client, a_line(), quantity="3")

    assert answer.status_code == 409
    assert "send a new key" in answer.json()["detail"]


async def test_another_seal_is_answered_with_the_line_as_it_is_now(client: AsyncClient) -> None:
    answer = await approve(client, a_line(vendor=99))

    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["reason"] == "stale-seal"
    assert answer.json()["line"]["seal"] == a_line().seal
    assert answer.json()["line"]["vendor_count"]["number"] == "7"


async def test_a_line_being_written_is_refused_under_another_key(client: AsyncClient) -> None:
    await approve(client, a_line())

    answer = await approve(client, a_line(), key="key-2")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in-flight")


async def test_a_line_without_a_number_wants_a_typed_one(client: AsyncClient, env: ApprovalEnv) -> None:
    unread = a_line("line_3", vendor=NoNumber.UNREAD, line_class=LineClass.NO_VERDICT)
    await env.store(unread)

    refused = await approve(client, unread)
    typed = await approve(client, unread, key="key-2", quantity="6.50")

    assert (refused.status_code, refused.json()["reason"]) == (409, "needs-quantity")
    assert (typed.status_code, typed.json()["target"], typed.json()["decision"]) == (201, "6.5", "adjusted")


async def test_a_line_of_another_tenant_is_not_there(client: AsyncClient, env: ApprovalEnv) -> None:
    line_of_other_tenant = a_line("line_9", tenant_id="other")
    await env.store(line_of_other_tenant)

    answer = await approve(client, line_of_other_tenant)

    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-line")
    assert "line" not in answer.json()


@pytest.mark.parametrize(
    "quantity",
    [
        *("-1", "NaN", "sNaN", "Infinity", "seven", "1.0000001", [], True),
        *("1E+9999999", "0E+999999999", "1E-9999999", "9" * 5_000, "1" * 13, "1.", ".5", "+1", " 7", "7\n"),
        *("1_0", "٣", "", 10**4_000, -0.5, 1e300, {"$gt": ""}),
        *(6.5, 0.1, 1e-7, 10**12, 1.7401424302390217e308),
    ],
    ids=lambda quantity: ascii(quantity)[:20],
)
async def test_a_quantity_that_is_none_is_named(client: AsyncClient, quantity: Any) -> None:
    answer = await approve(client, a_line(), quantity=quantity)

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "quantity"


async def test_a_quantity_of_more_characters_than_it_can_have_is_counted(client: AsyncClient) -> None:
    before = hits().get("quantity-characters", 0)

    answers = [await approve(client, a_line(), quantity="9" * digits) for digits in (13, 20)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert hits()["quantity-characters"] == before + 1


@pytest.mark.parametrize("quantity", ["0", "-0", 0, 0.0, -0.0, "0.000000"], ids=repr)
async def test_nothing_is_nothing_however_it_is_written(client: AsyncClient, quantity: Any) -> None:
    answer = await approve(client, a_line(), quantity=quantity)

    if quantity == "-0":  # a sign is none of a quantity's
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer.json()["target"]) == (201, "0")


@pytest.mark.parametrize("key", [b"\x85", b"a\x9fb", b"k" * 201, b""], ids=lambda key: repr(key)[:20])
async def test_a_key_that_is_no_plain_text_is_refused(client: AsyncClient, key: bytes) -> None:
    headers: list[tuple[bytes, bytes]] = [
        (name.encode(), value.encode()) for name, value in signed_in(Role.APPROVER).items()
    ]
    body = {"seal": a_line().seal}
    answer = await client.post(
        "/usage/line_1/approvals", json=body, headers=[*headers, (b"Idempotency-Key", key)]
    )

    assert (answer.status_code, answer.json()["fields"][0]["name"]) == (422, "idempotency-key")


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "i" * 201, ""], ids=lambda odd: ascii(odd)[:20])
async def test_a_line_or_a_seal_that_is_no_plain_text_is_refused(client: AsyncClient, odd: str) -> None:
    items = [{"line_id": odd, "seal": odd}]
    headers = signed_in(Role.APPROVER) | {"Idempotency-Key": "many-1", "Content-Type": "application/json"}

    answer = await client.post("/approvals", content=json.dumps({"items": items}), headers=headers)

    assert answer.status_code == 422
    assert {field["name"] for field in answer.json()["fields"]} >= {"items.0.line_id", "items.0.seal"}


@pytest.mark.parametrize("line_id", ["%00", "%1b", "a%0ab", "i" * 201], ids=lambda line_id: line_id[:20])
@pytest.mark.parametrize("path", ["/usage/{}", "/usage/{}/history", "/approvals/{}"])
async def test_an_id_in_a_path_that_is_no_plain_text_is_refused(
    client: AsyncClient, path: str, line_id: str
) -> None:
    answer = await client.get(path.format(line_id), headers=signed_in(Role.VIEWER))

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] in {"line_id", "approval_id"}


async def test_a_decision_without_a_key_is_refused(client: AsyncClient) -> None:
    headers = signed_in(Role.APPROVER)
    answer = await client.post("/usage/line_1/approvals", json={"seal": a_line().seal}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "idempotency-key"


async def test_many_are_reported_each_in_order_and_once_more_for_the_same_key(client: AsyncClient) -> None:
    first = await approve_many(client, a_line(), a_line("line_2", vendor=99), a_line("line_x"))
    again = await approve_many(client, a_line(), a_line("line_2", vendor=99), a_line("line_x"))

    reports = first.json()["results"]
    assert [(report["line_id"], report["status"], report["reason"]) for report in reports] == [
        ("line_1", "approved", None),
        ("line_2", "refused", "stale-seal"),
        ("line_x", "refused", "unknown-line"),
    ]
    assert again.json() == first.json()


async def test_a_line_named_twice_is_refused_as_a_whole(client: AsyncClient, env: ApprovalEnv) -> None:
    answer = await approve_many(client, a_line(), a_line())

    assert answer.status_code == 422
    assert "more than once" in answer.json()["detail"]
    assert await env.commands() == []


async def test_approvals_are_listed_by_state_and_read_by_id(client: AsyncClient) -> None:
    made = (await approve_many(client, a_line(), a_line("line_2"))).json()["results"]
    headers = signed_in(Role.VIEWER)

    page = (await client.get("/approvals?state=commanded&limit=1", headers=headers)).json()
    rest = (await client.get(f"/approvals?limit=1&after={page['next']}", headers=headers)).json()
    first = await client.get(f"/approvals/{made[0]['approval_id']}", headers=headers)

    ids = {approval["approval_id"] for approval in [*page["approvals"], *rest["approvals"]]}
    assert ids == {report["approval_id"] for report in made}
    assert rest["next"] is None
    assert first.json()["line_id"] == "line_1"


async def test_an_approval_of_another_tenant_is_not_there(client: AsyncClient) -> None:
    made = (await approve(client, a_line())).json()
    headers = signed_in(Role.ADMIN, "other")

    assert (await client.get(f"/approvals/{made['approval_id']}", headers=headers)).status_code == 404
    assert (await client.get("/approvals", headers=headers)).json() == {"approvals": [], "next": None}


async def test_the_exported_audit_log_verifies_against_its_head(client: AsyncClient) -> None:
    await approve_many(client, a_line(), a_line("line_2"))

    answer = await client.get("/audit", headers=signed_in(Role.VIEWER))

    head = ChainHead(int(answer.headers["audit-head-seq"]), answer.headers["audit-head-hash"])
    lines = answer.text.splitlines(keepends=True)
    assert (head.seq, len(lines)) == (2, 2)
    assert verify(lines, head=head).intact
    assert not verify(lines[:1], head=head).intact


async def test_an_audit_log_shows_nothing_of_another_tenant(client: AsyncClient) -> None:
    await approve(client, a_line())

    answer = await client.get("/audit", headers=signed_in(Role.ADMIN, "other"))

    assert (answer.text, answer.headers["audit-head-seq"]) == ("", "0")


async def approve(
    client: AsyncClient, line: UsageLine, *, key: str = "key-1", quantity: Any = None
) -> Response:
    body = {"seal": line.seal} | ({} if quantity is None else {"quantity": quantity})
    headers = signed_in(Role.APPROVER) | {"Idempotency-Key": key}
    return await client.post(f"/usage/{line.line_id}/approvals", json=body, headers=headers)


async def approve_many(client: AsyncClient, *lines: UsageLine) -> Response:
    items = [{"line_id": line.line_id, "seal": line.seal} for line in lines]
    headers = signed_in(Role.APPROVER) | {"Idempotency-Key": "many-1"}
    return await client.post("/approvals", json={"items": items}, headers=headers)
