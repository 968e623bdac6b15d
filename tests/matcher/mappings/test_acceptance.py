"""The best proposals of many items are accepted at once, as many as a person saw."""

from typing import Any

import pytest
from catalogue_builders import (
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from given_proposals import propose
from matcher_http import MatcherClient

from shared.contracts.matcher import MappingKind
from shared.web.person import Role

ACCOUNT = MappingKind.ACCOUNT
MANY = 130
PROBABILITIES = {"1": 990, "2": 950, "3": 949, "4": 990, "5": 999}
"""By vendor account; 4 and 5 are likeliest the same company."""
TARGETS = {"4": "44", "5": "44"}


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    vendor = [a_vendor_account(id_, f"Customer {id_}") for id_ in PROBABILITIES]
    psa = [a_psa_account(id_, f"Company {id_}") for id_ in (*PROBABILITIES, "44")]
    await matcher.world.receive(an_integration(), a_psa(), *vendor, *psa)
    await propose(matcher, PROBABILITIES, to_4="44", to_5="44")
    return matcher


def selection(**more: Any) -> dict[str, Any]:
    return {"kind": "account", "min_probability": 0.95} | more


async def accept(matcher: MatcherClient, expected: int, key: str = "k1", **more: Any) -> Any:
    body = {"accept": selection(**more), "expected_count": expected}
    return await matcher.send("POST", "/mappings", body, key=key)


async def preview(matcher: MatcherClient, **more: Any) -> tuple[int, int]:
    answer = await matcher.send("POST", "/mappings/accept-preview", selection(**more), role=Role.VIEWER)
    body = answer.raise_for_status().json()
    return body["count"], body["shared"]


async def test_what_is_likely_enough_is_accepted_as_often_as_was_foretold(known: MatcherClient) -> None:
    foretold = await preview(known)

    answer = await accept(known, 2)

    body = answer.json()
    assert (answer.status_code, foretold, body["counts"]) == (200, (2, 2), {"done": 2})
    assert [(one["vendor_id"], one["psa_id"], one["mapping"]["method"]) for one in body["outcomes"]] == [
        ("1", "1", "proposal"),
        ("2", "2", "proposal"),
    ]
    assert await known.world.mapped() == {"1": "1", "2": "2"}
    assert await preview(known) == (0, 2)


@pytest.mark.parametrize("expected", [1, 3])
async def test_another_number_is_refused_with_both_and_nothing_is_applied(
    known: MatcherClient, expected: int
) -> None:
    answer = await accept(known, expected)

    assert answer.status_code == 409
    assert (answer.json()["expected_count"], answer.json()["found_count"]) == (expected, 2)
    assert await known.world.mapped() == {}
    assert (await accept(known, 2)).status_code == 200  # the same key: what was refused was not made


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"min_probability": 0.9495}, 2),
        ({"min_probability": 0.949}, 3),
        ({"min_probability": 1}, 0),
        ({"filter": {"search": "customer 1"}}, 1),
        ({"filter": {"search": "("}}, 0),
        ({"filter": {"ids": ["2", "3"]}}, 1),
        ({"filter": {"ids": ["4"]}}, 1),
        ({"filter": {"vendor_integration_id": "int_other"}}, 0),
        ({"filter": {"state": ["suggested"]}}, 2),
        ({"filter": {"state": ["new"], "since": "2026-11-23T08:00:00Z"}}, 2),
        ({"filter": {"state": ["new"], "since": "2026-11-23T10:00:00Z"}}, 0),
        ({"kind": "service"}, 0),
    ],
    ids=str,
)
async def test_a_filter_says_which_are_meant(known: MatcherClient, more: dict[str, Any], count: int) -> None:
    assert (await preview(known, **more))[0] == count


async def test_what_is_decided_or_gone_is_not_accepted_and_what_was_revoked_is(known: MatcherClient) -> None:
    await known.world.exclude("1")
    await known.world.receive(a_vendor_account("2", "Customer 2", present=False, revision=2))
    await known.world.exclude("3")
    await known.world.revoke("3")

    assert await preview(known, min_probability=0.9) == (1, 2)


async def test_a_company_that_another_customer_of_the_vendor_has_is_left_to_a_person(
    known: MatcherClient,
) -> None:
    await known.world.approve("3", "1")

    assert await preview(known) == (1, 3)


async def test_services_may_share_a_product(matcher: MatcherClient) -> None:
    services = [a_service("s1", "Mail yearly"), a_service("s2", "Mail monthly")]
    await matcher.world.receive(an_integration(), a_psa(), *services, a_product("p1", "Post"))
    await propose(matcher, {"s1": 990, "s2": 990}, MappingKind.SERVICE, to_s1="p1", to_s2="p1")

    answer = await accept(matcher, 2, kind="service")

    assert answer.json()["counts"] == {"done": 2}


async def test_sent_again_it_answers_as_at_first_and_accepts_nothing_twice(known: MatcherClient) -> None:
    first = await accept(known, 2)
    published = len(await known.world.published())
    await known.world.exclude("1")
    await propose(known, {"3": 999})

    again = await accept(known, 2)

    assert again.json() == first.json()
    assert len(await known.world.published()) == published + 2  # the exclusion, and the proposal


async def test_a_key_of_another_request_is_refused(known: MatcherClient) -> None:
    await accept(known, 2)

    assert (await accept(known, 2, min_probability=0.9)).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"accept": selection()},
        {"accept": selection(), "expected_count": -1},
        {"accept": selection(), "expected_count": 5_001},
        {"accept": selection(min_probability=1.1), "expected_count": 1},
        {"accept": selection(min_probability="NaN"), "expected_count": 1},
        {"accept": selection(filter={"state": ["mapped"]}), "expected_count": 1},
        {"accept": selection(), "expected_count": 1, "items": []},
    ],
    ids=str,
)
async def test_what_is_no_acceptance_is_refused(known: MatcherClient, body: dict[str, Any]) -> None:
    answer = await known.send("POST", "/mappings", body, key="k1")

    assert answer.status_code == 422


async def test_another_tenant_has_nothing_to_accept_and_a_viewer_may_not(known: MatcherClient) -> None:
    body = {"accept": selection(), "expected_count": 2}

    elsewhere = await known.send("POST", "/mappings", body, key="k1", tenant_id="rival")
    viewer = await known.send("POST", "/mappings", body, key="k1", role=Role.VIEWER)

    assert (elsewhere.status_code, elsewhere.json()["found_count"]) == (409, 0)
    assert viewer.status_code == 403
