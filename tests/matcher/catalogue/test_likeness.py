"""Lists that are ranked by likeness to an item of the other side."""

import pytest
from catalogue_builders import (
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from matcher_http import MatcherClient
from people import signed_in

from shared.web.person import Role

COMPANIES = {
    "1": "Zeta Works",
    "2": "Contoso Dental Care LLC",
    "3": "Contoso Denture Lab",
    "4": "Adatum",
    "5": "Northwind Dental",
    "6": "Fabrikam",
}
LIKE = f"{VENDOR}:a:7"
LIST = {"side": "psa", "like": LIKE}


@pytest.fixture
async def listed(matcher: MatcherClient) -> MatcherClient:
    companies = [a_psa_account(id_, name) for id_, name in COMPANIES.items()]
    await matcher.world.receive(
        an_integration(), a_psa(), a_vendor_account("a:7", "Contoso Dental"), *companies
    )
    return matcher


async def test_what_looks_like_it_comes_first_and_the_others_by_name(listed: MatcherClient) -> None:
    page = await listed.get("/accounts", **LIST)

    assert [row["id"] for row in page["accounts"]] == ["2", "3", "5", "4", "6", "1"]
    scores = [row["likeness"]["score_per_mille"] for row in page["accounts"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 500
    assert scores[3:] == [0, 0, 0]
    assert page["total"] == 6


async def test_what_is_proposed_stands_above_what_looks_like_it(listed: MatcherClient) -> None:
    await listed.world.propose()
    proposed = (await listed.get(f"/proposals/account/{VENDOR}/a:7"))["proposals"]

    rows = (await listed.get("/accounts", **LIST))["accounts"]

    first = rows[: len(proposed)]
    assert [row["id"] for row in first] == [one["psa_id"] for one in proposed]
    assert [row["likeness"] for row in first] == [
        {"score_per_mille": one["probability_per_mille"], "proposed": True} for one in proposed
    ]
    assert len(rows) == len(COMPANIES)


async def test_the_reverse_ranks_vendor_items_by_likeness_to_one_of_the_psa(listed: MatcherClient) -> None:
    await listed.world.receive(a_vendor_account("8", "Adatum Corp"), a_vendor_account("9", "Aardvark"))
    await listed.world.propose()

    rows = (await listed.get("/accounts", side="vendor", like=f"{PSA}:2"))["accounts"]

    assert (rows[0]["id"], rows[0]["likeness"]["proposed"]) == ("a:7", True)
    assert [row["id"] for row in rows[1:]] == ["9", "8"]


async def test_products_are_ranked_by_likeness_to_a_service(matcher: MatcherClient) -> None:
    await matcher.world.receive(an_integration(), a_psa(), a_service("s1", "Business Premium", "M365-BP"))
    await matcher.world.receive(
        a_product("p1", "Antivirus"), a_product("p2", "Business Standard"), a_product("p3", "x", "M365-BP2")
    )

    page = await matcher.get("/products", like=f"{VENDOR}:s1")

    assert page["products"][0]["id"] == "p2"
    assert page["total"] == 3


@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_pages_lead_forth_and_back_over_every_item(listed: MatcherClient, limit: int) -> None:
    await listed.world.propose()
    whole = [row["id"] for row in (await listed.get("/accounts", **LIST))["accounts"]]
    pages = [await listed.get("/accounts", limit=limit, **LIST)]
    while cursor := pages[-1]["next"]:
        pages.append(await listed.get("/accounts", limit=limit, after=cursor, **LIST))
    back = [pages[-1]]
    while cursor := back[-1]["previous"]:
        back.append(await listed.get("/accounts", limit=limit, before=cursor, **LIST))

    there = [[row["id"] for row in page["accounts"]] for page in pages]
    assert [id_ for page in there for id_ in page] == whole
    assert [[row["id"] for row in page["accounts"]] for page in reversed(back)] == there


async def test_a_search_filters_what_is_ranked(listed: MatcherClient) -> None:
    page = await listed.get("/accounts", search="dent", **LIST)

    assert [row["id"] for row in page["accounts"]] == ["2", "3", "5"]
    assert page["total"] == 3


@pytest.mark.parametrize(
    ("like", "tenant_id", "status"),
    [
        (f"{VENDOR}:none", "demo", 404),
        ("int_none:a:7", "demo", 404),
        (f"{PSA}:2", "demo", 404),
        (LIKE, "rival", 404),
        ("a7", "demo", 422),
        (":", "demo", 422),
        (f"{VENDOR}:", "demo", 422),
    ],
)
async def test_an_item_that_is_not_the_tenants_is_not_there(
    listed: MatcherClient, like: str, tenant_id: str, status: int
) -> None:
    asked = {"side": "psa", "like": like}

    answer = await listed.http.get("/accounts", params=asked, headers=signed_in(Role.VIEWER, tenant_id))

    assert answer.status_code == status
    assert "Contoso" not in answer.text


@pytest.mark.parametrize("name", ["", "x", "(", "\N{GRINNING FACE}", "אבג דהו", "LLC " * 120, "a" * 480])
async def test_a_name_of_any_kind_can_be_asked_for(listed: MatcherClient, name: str) -> None:
    await listed.world.receive(a_vendor_account("odd", name))

    page = await listed.get("/accounts", side="psa", like=f"{VENDOR}:odd")

    assert len(page["accounts"]) == len(COMPANIES)
