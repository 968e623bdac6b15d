"""The catalogue over HTTP."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in

from matcher.catalogue.requests import AccountRequest
from shared.web.pagination import encode_cursor
from shared.web.person import Role

CONNECTED = (an_integration(), a_psa())
# One of four bytes, one that is three of two bytes each without regard to case, and one that JSON escapes.
LONGEST_PARTS = ("\N{GRINNING FACE}", "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}", '"')
NAMES = ("Zebra", "apple", "Contoso", "Contoso", "Ärzte", "banana")


async def test_accounts_are_shown_with_their_mapping(matcher: MatcherClient) -> None:
    await matcher.world.receive(*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))

    vendor = (await matcher.get("/accounts", side="vendor"))["accounts"][0]
    psa = (await matcher.get("/accounts", side="psa"))["accounts"][0]

    assert (vendor["id"], vendor["state"], vendor["status"]) == ("1", "mapped", "active")
    assert (vendor["mapping"]["psa_id"], vendor["mapping"]["psa_name"]) == ("9", "Contoso")
    assert (psa["account_key"], psa["state"], psa["mapped_from"][0]["vendor_name"]) == (
        "C9",
        "mapped",
        "Contoso",
    )


async def test_services_and_products_are_shown_with_their_codes(matcher: MatcherClient) -> None:
    await matcher.world.receive(
        *CONNECTED, a_service("s1", "Mail", "MPN-1"), a_product("p1", "Post", "POST-1")
    )

    service = (await matcher.get("/services"))["services"][0]
    product = (await matcher.get("/products"))["products"][0]

    assert (service["mpn"], service["term"], service["mapping"]) == ("MPN-1", "1 month", None)
    assert (product["product_key"], product["mapped_from"]) == ("POST-1", [])


async def test_pages_hold_every_account_once_sorted_without_regard_to_case(matcher: MatcherClient) -> None:
    await matcher.world.receive(*(a_vendor_account(f"v{number}", name) for number, name in enumerate(NAMES)))

    names = [row["name"] for row in await every_row(matcher, "/accounts", side="vendor", limit=2)]

    assert names == ["apple", "banana", "Contoso", "Contoso", "Zebra", "Ärzte"]


@pytest.mark.parametrize("part", LONGEST_PARTS, ids=ascii)
async def test_pages_of_the_longest_names_and_ids_hold_every_account_once(
    matcher: MatcherClient, part: str
) -> None:
    tenant_id = part * 200
    ids = [f"{number}{part * 199}" for number in range(5)]
    await matcher.world.receive(*(a_vendor_account(id_, part * 500, tenant_id=tenant_id) for id_ in ids))

    query = {"side": "vendor", "limit": 1, "search": part * 200, "tenant_id": tenant_id}
    rows = await every_row(matcher, "/accounts", **query)

    assert [row["id"] for row in rows] == ids


async def test_the_last_page_has_no_next(matcher: MatcherClient) -> None:
    await matcher.world.receive(a_vendor_account("1", "Contoso"), a_vendor_account("2", "Fabrikam"))

    page = await matcher.get("/accounts", side="vendor", limit=2)

    assert (len(page["accounts"]), page["next"]) == (2, None)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("emea CONT", ["Contoso (EMEA)"]),
        ("arzte", ["Ärzte GmbH"]),
        (".*", []),
        ("^con", []),
        ("c2", ["Contoso (EMEA)"]),
        ("$", ["A$AP"]),
        ("\\", []),
        ("a", ["A$AP", "Ärzte GmbH"]),
        ("\u202d", None),
        ("a\x00", None),
        ("x" * 5_000, None),
        ("שלום \N{GRINNING FACE}", []),
        ('{"$gt": ""}', []),
        ("   ", ["A$AP", "Contoso (EMEA)", "Ärzte GmbH"]),
    ],
)
async def test_search_is_for_words_of_name_or_code_and_never_a_pattern(
    matcher: MatcherClient, search: str, found: list[str] | None
) -> None:
    """What cannot be a name is refused, as None says."""
    named = enumerate(("Ärzte GmbH", "Contoso (EMEA)", "A$AP"), 1)
    await matcher.world.receive(*(a_psa_account(str(number), name) for number, name in named))

    answer = await matcher.send("GET", f"/accounts?{urlencode({'side': 'psa', 'search': search})}")

    assert answer.status_code == (422 if found is None else 200)
    if found is not None:
        assert [row["name"] for row in answer.json()["accounts"]] == found


async def test_products_are_found_by_product_id_or_name(matcher: MatcherClient) -> None:
    await matcher.world.receive(a_product("p1", "Mail", "MS-001"), a_product("p2", "MS Files", "F-2"))

    by_name, by_code = [await matcher.get("/products", search="ms", by=by) for by in ("name", "code")]

    assert [row["id"] for row in by_name["products"]] == ["p2", "p1"]
    assert [row["id"] for row in by_code["products"]] == ["p1", "p2"]


@pytest.mark.parametrize(
    ("state", "found"), [("mapped", ["1"]), ("excluded", ["2"]), ("unmapped", ["3", "4"])]
)
async def test_accounts_are_filtered_by_where_they_stand(
    matcher: MatcherClient, state: str, found: list[str]
) -> None:
    await matcher.world.receive(*CONNECTED, a_psa_account("9", "A"), a_psa_account("8", "D"))
    await matcher.world.receive(
        *(a_vendor_account(str(number), name) for number, name in enumerate("ABCD", 1))
    )
    await matcher.world.exclude("2")
    await matcher.world.revoke("4")

    rows = await every_row(matcher, "/accounts", side="vendor", state=state, limit=1)

    assert [row["id"] for row in rows] == found


async def test_states_and_ids_are_repeated_and_all_pages_are_counted(matcher: MatcherClient) -> None:
    await matcher.world.receive(*CONNECTED, a_psa_account("9", "A"))
    await matcher.world.receive(
        *(a_vendor_account(id_, name) for id_, name in zip("1234", "ABCD", strict=True))
    )
    await matcher.world.exclude("2")

    states = await matcher.get("/accounts", side="vendor", state=["mapped", "excluded"], limit=1)
    ids = await matcher.get("/accounts", side="vendor", ids=["2", "4"])

    assert ([row["id"] for row in states["accounts"]], states["total"]) == (["1"], 2)
    assert ([row["id"] for row in ids["accounts"]], ids["total"]) == (["2", "4"], 2)


async def test_a_page_leads_back_to_the_one_before(matcher: MatcherClient) -> None:
    await matcher.world.receive(*(a_vendor_account(id_, id_) for id_ in "123"))

    first = await matcher.get("/accounts", side="vendor", limit=2)
    second = await matcher.get("/accounts", side="vendor", limit=2, after=first["next"])
    back = await matcher.get("/accounts", side="vendor", limit=2, before=second["previous"])

    assert (first["previous"], second["next"]) == (None, None)
    assert back == first


async def test_what_is_new_is_listed_with_when_it_was_first_seen(matcher: MatcherClient) -> None:
    await matcher.world.receive(a_vendor_account("1", "Contoso"))
    matcher.world.now += timedelta(hours=1)
    await matcher.world.receive(a_vendor_account("2", "Fabrikam"))

    new = await matcher.get("/accounts", side="vendor", state="new", since=matcher.world.now.isoformat())
    newest = await matcher.get("/accounts", side="vendor", sort="-seen", limit=1)
    older = await matcher.get("/accounts", side="vendor", sort="-seen", after=newest["next"])

    assert [(row["id"], row["first_seen_at"]) for row in new["accounts"]] == [("2", "2026-11-23T10:00:00Z")]
    assert [row["id"] for row in (*newest["accounts"], *older["accounts"])] == ["2", "1"]


async def test_what_is_absent_is_not_shown(matcher: MatcherClient) -> None:
    await matcher.world.receive(
        a_vendor_account("1", "Contoso"), a_vendor_account("2", "Gone", present=False)
    )

    page = await matcher.get("/accounts", side="vendor")

    assert [row["id"] for row in page["accounts"]] == ["1"]


async def test_one_integration_can_be_asked_for(matcher: MatcherClient) -> None:
    await matcher.world.receive(
        a_vendor_account("1", "A"), a_vendor_account("1", "B", integration_id="int_2")
    )

    page = await matcher.get("/accounts", side="vendor", integration_id="int_2")

    assert [row["name"] for row in page["accounts"]] == ["B"]


async def test_mappings_are_listed_with_both_names(matcher: MatcherClient) -> None:
    await matcher.world.receive(*CONNECTED, a_service("s1", "Mail"), a_product("p1", "Mail"))
    await matcher.world.receive(a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))

    rows = await every_row(matcher, "/mappings", limit=1)
    services = await matcher.get("/mappings", kind="service", decision="approved")

    assert [(row["kind"], row["vendor_name"], row["psa_name"]) for row in rows] == [
        ("account", "Contoso", "Contoso"),
        ("service", "Mail", "Mail"),
    ]
    assert [row["vendor_id"] for row in services["mappings"]] == ["s1"]


@pytest.mark.parametrize(
    "params",
    [
        {"side": "neither"},
        {"side": "vendor", "limit": 0},
        {"side": "vendor", "limit": 501},
        {"side": "vendor", "state": "lost"},
        {"side": "vendor", "search": "\x00"},
        {"side": "vendor", "after": "never-made-here"},
        {"side": "vendor", "after": "WyJhIiwgeyIkZ3QiOiAiIn1d"},
        {"side": "vendor", "sort": "price"},
        {"side": "vendor", "state": "new", "since": "yesterday"},
        {"side": "vendor", "after": encode_cursor("a", "b"), "before": encode_cursor("a", "b")},
        {"side": "vendor", "sort": "-seen", "after": encode_cursor("a", "b")},
        {"side": "vendor", "ids": [*map(str, range(501))]},
        {},
    ],
    ids=lambda params: str(params)[:50],
)
async def test_a_question_that_makes_no_sense_is_refused(
    matcher: MatcherClient, params: dict[str, Any]
) -> None:
    answer = await matcher.http.get("/accounts", params=params, headers=signed_in(Role.VIEWER))

    assert answer.status_code == 422
    named = answer.json()["fields"][0]["name"].partition(".")[0]
    assert named in {"query", *AccountRequest.model_fields}


async def every_row(matcher: MatcherClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages, one behind the other."""
    rows: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await matcher.get(path, **params, **after)
        rows += page[path.removeprefix("/")]
        if page["next"] is None:
            return rows
        after = {"after": page["next"]}
