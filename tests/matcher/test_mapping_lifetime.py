"""One tenant's mappings over a year: connected, proposed, accepted, reconnected, renamed, merged, moved."""

from typing import Any

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

from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side

NEW_PSA = "int_psa_next"
MARKETPLACE = (
    an_integration(),
    a_vendor_account("1", "Contoso Dental"),
    a_vendor_account("2", "Northwind Traders"),
    a_vendor_account("3", "Fabrikam Plumbing Leeds"),
    a_vendor_account("4", "Zanzibar Optics"),
    a_service("s", "Microsoft 365 Business Premium", "CFQ7"),
)
COMPANIES = (
    a_psa(),
    a_psa_account("9", "Contoso Dental LLC"),
    a_psa_account("7", "Northwind Traders"),
    a_psa_account("6", "Fabrikam Plumbing (Leeds)"),
    a_psa_account("5", "Wide World Importers"),
    a_product("p", "M365 Business Premium - monthly", "M365-BP"),
)


@pytest.fixture
async def connected(matcher: MatcherClient) -> MatcherClient:
    await matcher.world.receive(*MARKETPLACE, *COMPANIES)
    await matcher.world.propose()
    return matcher


@pytest.fixture
async def accepted(connected: MatcherClient) -> MatcherClient:
    for kind, vendor_id in (("account", "1"), ("account", "3"), ("service", "s")):
        await accept_first(connected, kind, vendor_id)
    await connected.world.finish()
    await connected.world.propose()
    return connected


async def accept_first(matcher: MatcherClient, kind: str, vendor_id: str) -> dict[str, Any]:
    """Accept the likeliest proposal of a vendor item, as a person does who looked at it."""
    item = await matcher.get(f"/proposals/{kind}/{VENDOR}/{vendor_id}")
    best = item["proposals"][0]
    wanted = {"psa_integration_id": best["psa_integration_id"], "psa_id": best["psa_id"]}
    answer = await matcher.send(
        "PUT",
        f"/mappings/{kind}/{VENDOR}/{vendor_id}",
        {"method": "proposal", **wanted},
    )
    decided: dict[str, Any] = answer.raise_for_status().json()
    return decided


def later(observed: Any, **fields: Any) -> Any:
    """Returns what was observed, as a later message states it."""
    return observed.model_copy(update={"revision": observed.revision + 1, **fields})


async def test_what_is_equal_maps_itself_and_the_rest_waits_for_a_person(connected: MatcherClient) -> None:
    assert await connected.world.mapped() == {"2": "7"}
    assert await connected.world.proposed() == {"1": ["9"], "3": ["6"], "s": ["p"]}


async def test_what_has_no_counterpart_is_proposed_nothing_likely(connected: MatcherClient) -> None:
    item = await connected.get(f"/proposals/account/{VENDOR}/4")

    assert [one for one in item["proposals"] if one["probability_per_mille"] >= 500] == []


async def test_accepted_proposals_are_mappings_and_nothing_is_left_to_propose(
    accepted: MatcherClient,
) -> None:
    assert await accepted.world.mapped() == {"1": "9", "2": "7", "3": "6", "s": "p"}
    assert await accepted.world.proposed() == {}


async def test_connecting_the_marketplace_anew_finds_every_mapping(accepted: MatcherClient) -> None:
    world = accepted.world
    before = await world.newest_mappings()

    await world.receive(an_integration(status=IntegrationStatus.DISCONNECTED, revision=2))
    await world.receive(
        an_integration(revision=3).model_copy(update={"generation": 2}),
        *(later(one, generation=2) for one in MARKETPLACE[1:]),
    )
    await world.propose()

    assert await world.newest_mappings() == before
    rows = (await accepted.get("/accounts", side="vendor"))["accounts"]
    mapped = {row["id"]: row["mapping"] and row["mapping"]["psa_id"] for row in rows}
    assert mapped == {"1": "9", "2": "7", "3": "6", "4": None}


async def test_names_that_change_on_either_side_change_no_mapping(accepted: MatcherClient) -> None:
    world = accepted.world

    await world.receive(
        later(MARKETPLACE[2], name="Northwind Trading Group"), later(COMPANIES[1], name="Adatum Dental")
    )
    await world.propose()

    assert await world.mapped() == {"1": "9", "2": "7", "3": "6", "s": "p"}
    assert await world.proposed() == {}


async def test_a_rename_before_anybody_decided_is_followed_by_the_proposals(connected: MatcherClient) -> None:
    world = connected.world

    await world.receive(later(COMPANIES[1], name="Adatum Corporation"))
    await world.receive(later(COMPANIES[4], name="Contoso Dental Ltd"))
    await world.propose()

    assert (await world.proposed())["1"] == ["5"]


async def test_companies_that_are_merged_take_over_accounts_by_a_persons_decision(
    accepted: MatcherClient,
) -> None:
    world = accepted.world

    await world.receive(later(COMPANIES[3], present=False))
    await world.approve("3", "9")
    await world.propose()

    assert await world.mapped() == {"1": "9", "2": "7", "3": "9", "s": "p"}
    history = await accepted.get(f"/mappings/account/{VENDOR}/3/history")
    assert [one["psa_id"] for one in history["decisions"]][:2] == ["9", "6"]


async def test_a_change_of_psa_is_reviewed_and_moves_what_a_person_lets_move(accepted: MatcherClient) -> None:
    world = accepted.world
    await world.receive(
        an_integration(NEW_PSA, Side.PSA),
        a_psa_account("90", "Contoso Dental", integration_id=NEW_PSA),
        a_psa_account("70", "Northwind Traders", integration_id=NEW_PSA),
        a_psa_account("60", "Plumbers of Fabrikam", integration_id=NEW_PSA),
        a_product("pp", "Business Premium", "M365-BP", integration_id=NEW_PSA),
    )
    asked = {"from_psa_integration_id": PSA, "to_psa_integration_id": NEW_PSA}
    plan = (await accepted.send("POST", "/relinks", asked)).raise_for_status().json()
    before = await world.mapped()
    rows = (await accepted.get(f"/mapping-plans/{plan['id']}"))["rows"]
    applicable = {row["vendor_id"]: row["row"] for row in rows if row["outcome"] == "changed"}
    left_out = [applicable["1"]]

    answer = await accepted.send(
        "POST",
        f"/mapping-plans/{plan['id']}/apply",
        {"digest": plan["digest"], "expected_count": len(applicable) - 1, "except_rows": left_out},
        key="move",
    )

    assert before == {"1": "9", "2": "7", "3": "6", "s": "p"}
    assert answer.status_code == 200, answer.text
    mapped = await world.mapped()
    assert (mapped["1"], mapped["2"], mapped["s"]) == ("9", "70", "pp")
