"""What is not compared, as lists and the preview of a finish show it."""

from typing import Any

import pytest
from catalogue_builders import VENDOR, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in
from uncompared_lines import a_usage_line, state_lines

from shared.mongo import Mongo
from shared.web.person import Role

NAMES = {"1": "Contoso", "2": "Fabrikam", "3": "Adatum", "4": "Zeta", "5": "Northwind"}
ACCOUNTS = [a_vendor_account(id_, name) for id_, name in NAMES.items()]
BOTH = {"vendor_integration_id": VENDOR, "psa_integration_id": "int_psa"}
LINES = (
    a_usage_line("l1", "1", "s1", seats="3", worth="60 USD"),
    a_usage_line("l2", "1", "s2", seats="1"),
    a_usage_line("l3", "2", "s1", seats="5", worth="300 USD"),
    a_usage_line("l4", "5", "s1", seats="9"),
)


@pytest.fixture
async def listed(mongo: Mongo, matcher: MatcherClient) -> MatcherClient:
    await matcher.world.receive(an_integration(), a_psa(), *ACCOUNTS, a_psa_account("9", "Other"))
    await matcher.world.receive(a_service("s1", "Mail"), a_service("s2", "Post"))
    await state_lines(mongo, *LINES)
    return matcher


async def ids(matcher: MatcherClient, **params: Any) -> list[str]:
    page = await matcher.get("/accounts", **{"side": "vendor", "sort": "-billable", **params})
    return [row["id"] for row in page["accounts"]]


async def test_a_row_says_what_is_not_compared(listed: MatcherClient) -> None:
    page = await listed.get("/accounts", side="vendor", ids=["1", "3"])

    shown = {row["id"]: row["billable"] for row in page["accounts"]}
    assert shown == {
        "1": {"lines": 2, "seats": "4", "money": {"USD": "60"}, "without_estimate": 1},
        "3": None,
    }


async def test_what_is_worth_most_comes_first_and_what_has_nothing_last_by_name(
    listed: MatcherClient,
) -> None:
    assert await ids(listed) == ["2", "1", "5", "3", "4"]
    assert (await listed.get("/accounts", side="vendor", sort="-billable"))["total"] == 5


async def test_services_are_sorted_by_it_as_well(listed: MatcherClient) -> None:
    page = await listed.get("/services", sort="-billable")

    shown = [(row["id"], row["billable"]["seats"]) for row in page["services"]]
    assert shown == [("s1", "17"), ("s2", "1")]


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_lead_forth_and_back(listed: MatcherClient, limit: int) -> None:
    query: dict[str, Any] = {"side": "vendor", "sort": "-billable", "limit": limit}
    pages = [await listed.get("/accounts", **query)]
    while cursor := pages[-1]["next"]:
        pages.append(await listed.get("/accounts", after=cursor, **query))
    back = [pages[-1]]
    while cursor := back[-1]["previous"]:
        back.append(await listed.get("/accounts", before=cursor, **query))

    assert [row["id"] for page in pages for row in page["accounts"]] == ["2", "1", "5", "3", "4"]
    there = [[row["id"] for row in page["accounts"]] for page in pages]
    assert [[row["id"] for row in page["accounts"]] for page in reversed(back)] == there


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "a"}, ["3"]),
        ({"state": "mapped"}, ["1"]),
        ({"state": "unmapped"}, ["2", "5", "3", "4"]),
        ({"ids": ["4", "2"]}, ["2", "4"]),
        ({"integration_id": "int_other"}, []),
        ({"search": "("}, []),
        ({"tenant_id": "rival"}, []),
    ],
    ids=str,
)
async def test_the_order_goes_with_every_filter(
    listed: MatcherClient, params: dict[str, Any], found: list[str]
) -> None:
    await listed.world.approve("1", "9")

    assert await ids(listed, **params) == found


async def test_a_cursor_of_another_order_is_refused(listed: MatcherClient) -> None:
    page = await listed.get("/accounts", side="vendor", limit=1)
    asked = {"side": "vendor", "sort": "-billable", "after": page["next"]}

    answer = await listed.http.get("/accounts", params=asked, headers=signed_in(Role.VIEWER))

    assert answer.status_code == 422


async def test_a_preview_counts_a_line_that_lacks_both_once_in_all(listed: MatcherClient) -> None:
    await listed.world.approve("1", "9")

    usage = (await listed.get("/finish", **BOTH))["uncompared"]

    assert usage["total"] == {"lines": 4, "seats": "18", "money": {"USD": "360"}, "without_estimate": 2}
    assert usage["accounts"] == {"lines": 2, "seats": "14", "money": {"USD": "300"}, "without_estimate": 1}
    assert usage["services"] == usage["total"]


async def test_a_preview_of_a_vendor_without_usage_has_nothing_uncompared(matcher: MatcherClient) -> None:
    await matcher.world.receive(an_integration(), a_psa())

    usage = (await matcher.get("/finish", **BOTH))["uncompared"]

    nothing = {"lines": 0, "seats": "0", "money": {}, "without_estimate": 0}
    assert usage == {"total": nothing, "accounts": nothing, "services": nothing}


async def test_what_was_just_excluded_is_not_missing_any_more(listed: MatcherClient) -> None:
    for id_ in ("1", "2", "5"):
        await listed.world.exclude(id_)

    usage = (await listed.get("/finish", **BOTH))["uncompared"]

    assert (usage["accounts"]["lines"], usage["services"]["lines"]) == (0, 0)
