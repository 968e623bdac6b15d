from collections.abc import AsyncIterator
from typing import Any

import pytest
from approval_env import Desk, a_desk, an_order
from billing_http import an_office
from httpx import AsyncClient
from lines import a_line
from people import signed_in

from billing.usage.usage_line import LineNames, UsageLine
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.mongo import Mongo
from shared.web.person import Role


@pytest.fixture
async def desk(mongo: Mongo) -> Desk:
    names = ["Contoso (EU)", "adatum", "Fabrikam", "Contoso", "Zürich AG"]
    lines = [named(a_line(f"line_{place}"), account) for place, account in enumerate(names)]
    return await a_desk(mongo, *lines, named(a_line("line_x", tenant_id="other"), "Contoso Other"))


@pytest.fixture
async def office(desk: Desk) -> AsyncIterator[AsyncClient]:
    async with an_office(desk) as client:
        yield client


async def test_lines_are_ordered_by_account_in_any_case(office: AsyncClient) -> None:
    assert await accounts(office) == ["adatum", "Contoso", "Contoso (EU)", "Fabrikam", "Zürich AG"]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 500])
async def test_pages_of_any_size_hold_each_line_once(office: AsyncClient, limit: int) -> None:
    met, after = [], ""
    for _ in range(9):
        page = await usage(office, limit=limit, **({"after": after} if after else {}))
        met += [line["names"]["psa_account"] for line in page["lines"]]
        after = page["next"]
        if after is None:
            break

    assert met == ["adatum", "Contoso", "Contoso (EU)", "Fabrikam", "Zürich AG"]


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
    office: AsyncClient, search: str, found: list[str]
) -> None:
    assert await accounts(office, search=search) == found


async def test_a_class_is_filtered(office: AsyncClient, desk: Desk) -> None:
    unread = named(a_line("line_9", vendor=NoNumber.UNREAD, line_class=LineClass.NO_VERDICT), "Late")
    await desk.store(unread)

    assert await accounts(office, line_class="no-verdict") == ["Late"]
    assert "Late" not in await accounts(office, line_class="vendor-higher")


async def test_a_line_shows_both_counts_its_evidence_and_its_seal(office: AsyncClient) -> None:
    line = (await usage(office, search="fabrikam"))["lines"][0]

    assert (line["vendor_count"]["number"], line["psa_count"]["number"]) == ("7", "5")
    assert line["evidence"]["billed"][0]["unit_price"] == "9.5"
    assert line["seal"] == a_line("line_2").seal
    assert not {"scope", "refs", "tenant_id"} & line.keys()


async def test_a_missing_number_is_told_from_zero(office: AsyncClient, desk: Desk) -> None:
    await desk.store(a_line("line_8", vendor=0), a_line("line_9", vendor=NoNumber.UNREAD))

    zero, unread = [await one(office, line_id) for line_id in ("line_8", "line_9")]

    assert (zero["vendor_count"]["number"], zero["vendor_count"]["missing"]) == ("0", None)
    assert (unread["vendor_count"]["number"], unread["vendor_count"]["missing"]) == (None, "unread")


async def test_a_line_names_the_approval_that_is_being_written(office: AsyncClient, desk: Desk) -> None:
    before = await one(office, "line_1")
    (made,) = await desk.approving.approve(an_order(a_line("line_1")))

    assert before["in_flight"] is None
    assert made.approval
    assert (await one(office, "line_1"))["in_flight"] == made.approval.approval_id
    listed = {line["line_id"]: line["in_flight"] for line in (await usage(office))["lines"]}
    assert listed.pop("line_1") == made.approval.approval_id
    assert set(listed.values()) == {None}


async def test_a_line_that_is_gone_or_anothers_is_neither_listed_nor_there(
    office: AsyncClient, desk: Desk
) -> None:
    await desk.store(named(a_line("line_2", present=False), "Fabrikam"))
    headers = signed_in(Role.VIEWER)

    assert await accounts(office, search="fabrikam") == []
    assert (await office.get("/usage/line_2", headers=headers)).status_code == 404
    assert (await office.get("/usage/line_x", headers=headers)).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "line_class=odd"])
async def test_a_query_out_of_bounds_is_refused(office: AsyncClient, query: str) -> None:
    assert (await office.get(f"/usage?{query}", headers=signed_in(Role.VIEWER))).status_code == 422


@pytest.mark.parametrize("after", ["!", "Zg", "_w==", "a" * 401])
async def test_a_cursor_that_is_none_of_ours_is_refused(office: AsyncClient, after: str) -> None:
    answer = await office.get("/usage", params={"after": after}, headers=signed_in(Role.VIEWER))

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "after"


async def accounts(office: AsyncClient, **query: Any) -> list[str]:
    return [line["names"]["psa_account"] for line in (await usage(office, **query))["lines"]]


async def usage(office: AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await office.get("/usage", params=query, headers=signed_in(Role.VIEWER))
    assert answer.status_code == 200
    return dict(answer.json())


async def one(office: AsyncClient, line_id: str) -> dict[str, Any]:
    return dict((await office.get(f"/usage/{line_id}", headers=signed_in(Role.VIEWER))).json())


def named(line: UsageLine, account: str) -> UsageLine:
    names = LineNames(
        vendor_accounts=(f"Vendor of {account}",),
        services=("Business Premium",),
        psa_account=account,
        product="Microsoft 365",
        product_key="M365-BP",
    )
    return line.model_copy(update={"names": names})
