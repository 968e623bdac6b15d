from collections.abc import AsyncIterator
from typing import Any

import pytest
from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from billing_http import billing_client
from httpx import AsyncClient
from lines import a_line
from people import signed_in

from billing.usage.usage_line import LineNames, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.mongo import Mongo
from shared.web.pagination import encode_cursor
from shared.web.person import Role

# One of four bytes, one that is three of two bytes each without regard to case, and one that JSON escapes.
LONGEST_PARTS = ["\N{GRINNING FACE}", "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}", '"']


@pytest.fixture
async def env(mongo: Mongo) -> ApprovalEnv:
    names = ["Contoso (EU)", "adatum", "Fabrikam", "Contoso", "Zürich AG"]
    lines = [named(a_line(f"line_{place}"), account) for place, account in enumerate(names)]
    return await an_approval_env(mongo, *lines, named(a_line("line_x", tenant_id="other"), "Contoso Other"))


@pytest.fixture
async def client(env: ApprovalEnv) -> AsyncIterator[AsyncClient]:
    async with billing_client(env) as client:
        yield client


async def test_lines_are_ordered_by_account_in_any_case(client: AsyncClient) -> None:
    assert await account_names(client) == ["adatum", "Contoso", "Contoso (EU)", "Fabrikam", "Zürich AG"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 500])
async def test_pages_of_any_size_hold_each_line_once(client: AsyncClient, limit: int) -> None:
    names, after = [], ""
    for _ in range(9):
        page = await usage(client, limit=limit, **({"after": after} if after else {}))
        names += [line["names"]["psa_account"] for line in page["lines"]]
        after = page["next"]
        if after is None:
            break

    assert names == ["adatum", "Contoso", "Contoso (EU)", "Fabrikam", "Zürich AG"]


@pytest.mark.parametrize("part", LONGEST_PARTS, ids=ascii)
async def test_pages_of_the_longest_names_hold_each_line_once(
    client: AsyncClient, env: ApprovalEnv, part: str
) -> None:
    lines = [a_line(f"line_{place}") for place in range(5, 9)]
    await env.store(*(named(line, part * 500, product=part * 500) for line in lines))
    line_ids, page = list[str](), dict[str, Any]()
    while not page or page["next"]:
        after = {"after": page["next"]} if page else {}
        page = await usage(client, limit=1, search=part * 200, **after)
        line_ids += [line["line_id"] for line in page["lines"]]
        assert len(line_ids) <= len(lines)

    assert line_ids == [line.line_id for line in lines]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("contoso", ["Contoso", "Contoso (EU)"]),
        ("(EU)", ["Contoso (EU)"]),
        (".*", []),
        ("zÜR", ["Zürich AG"]),
        ("m365-bp", ["adatum", "Contoso", "Contoso (EU)", "Fabrikam", "Zürich AG"]),
        ("Vendor of fab", ["Fabrikam"]),
    ],
)
async def test_a_search_takes_part_of_any_name_literally(
    client: AsyncClient, search: str, found: list[str]
) -> None:
    assert await account_names(client, search=search) == found


async def test_a_class_is_filtered(client: AsyncClient, env: ApprovalEnv) -> None:
    unread = named(a_line("line_9", vendor=NoNumber.UNREAD, line_class=LineClass.NO_VERDICT), "Late")
    await env.store(unread)

    assert await account_names(client, line_class="no-verdict") == ["Late"]
    assert "Late" not in await account_names(client, line_class="vendor-higher")


async def test_a_line_shows_both_counts_its_evidence_and_its_seal(client: AsyncClient) -> None:
    line = (await usage(client, search="fabrikam"))["lines"][0]

    assert (line["vendor_count"]["number"], line["psa_count"]["number"]) == ("7", "5")
    assert line["evidence"]["billed"][0]["unit_price"] == "9.5"
    assert line["seal"] == a_line("line_2").seal
    assert not {"scope", "refs", "tenant_id"} & line.keys()


async def test_a_missing_number_is_shown_apart_from_zero(client: AsyncClient, env: ApprovalEnv) -> None:
    await env.store(a_line("line_8", vendor=0), a_line("line_9", vendor=NoNumber.UNREAD))

    zero, unread = [await usage_line(client, line_id) for line_id in ("line_8", "line_9")]

    assert (zero["vendor_count"]["number"], zero["vendor_count"]["missing"]) == ("0", None)
    assert (unread["vendor_count"]["number"], unread["vendor_count"]["missing"]) == (None, "unread")


async def test_a_line_names_the_approval_that_is_being_written(client: AsyncClient, env: ApprovalEnv) -> None:
    before = await usage_line(client, "line_1")
    (made,) = await env.service.approve(a_request(a_line("line_1")))

    approval_id = approved(made).approval.approval_id
    assert before["in_flight"] is None
    assert (await usage_line(client, "line_1"))["in_flight"] == approval_id
    listed = {line["line_id"]: line["in_flight"] for line in (await usage(client))["lines"]}
    assert listed.pop("line_1") == approval_id
    assert set(listed.values()) == {None}


async def test_a_line_that_is_gone_or_of_another_tenant_is_neither_listed_nor_there(
    client: AsyncClient, env: ApprovalEnv
) -> None:
    await env.store(named(a_line("line_2", present=False), "Fabrikam"))
    headers = signed_in(Role.VIEWER)

    assert await account_names(client, search="fabrikam") == []
    assert (await client.get("/usage/line_2", headers=headers)).status_code == 404
    assert (await client.get("/usage/line_x", headers=headers)).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "line_class=odd"])
async def test_a_query_out_of_bounds_is_refused(client: AsyncClient, query: str) -> None:
    assert (await client.get(f"/usage?{query}", headers=signed_in(Role.VIEWER))).status_code == 422


@pytest.mark.parametrize("path", ["/usage", "/approvals", "/runs"])
async def test_a_mistyped_filter_is_refused_instead_of_showing_everything(
    client: AsyncClient, path: str
) -> None:
    answer = await client.get(path, params={"lineclass": "no-verdict"}, headers=signed_in(Role.VIEWER))

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "lineclass"


@pytest.mark.parametrize("path", ["/usage", "/approvals", "/runs"])
@pytest.mark.parametrize("after", ["!", "Zg", "_w==", "a" * 401, encode_cursor("a", "b")])
async def test_a_cursor_that_was_never_given_out_is_refused_with_what_to_do(
    client: AsyncClient, path: str, after: str
) -> None:
    answer = await client.get(path, params={"after": after}, headers=signed_in(Role.VIEWER))

    reason = "send `next` of the page before, as it was, or leave it out to start again"
    assert answer.status_code == 422
    assert answer.json()["fields"] == [{"name": "after", "reason": reason}]
    assert answer.json()["detail"] == f"after: {reason}"


async def account_names(client: AsyncClient, **query: Any) -> list[str]:
    return [line["names"]["psa_account"] for line in (await usage(client, **query))["lines"]]


async def usage(client: AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/usage", params=query, headers=signed_in(Role.VIEWER))
    assert answer.status_code == 200
    return dict(answer.json())


async def usage_line(client: AsyncClient, line_id: str) -> dict[str, Any]:
    return dict((await client.get(f"/usage/{line_id}", headers=signed_in(Role.VIEWER))).json())


def named(line: UsageLine, account: str, *, product: str = "Microsoft 365") -> UsageLine:
    names = LineNames(
        vendor_accounts=(f"Vendor of {account}",),
        services=("Business Premium",),
        psa_account=account,
        product=product,
        product_key="M365-BP",
    )
    return line.model_copy(update={"names": names})
