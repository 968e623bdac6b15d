"""Proposals and refusals over HTTP."""

from typing import Any

import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_http import MatcherClient

from matcher.proposals.refusal_recovery import RefusalRecovery
from matcher.proposals.repository import MongoProposals
from shared.contracts.matcher import ProposalRefused
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.web.person import Role

ITEM = "/proposals/account/int_vendor/1"
NINE = {"psa_integration_id": "int_psa", "psa_id": "9"}


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    await matcher.world.receive(
        an_integration(),
        a_psa(),
        a_vendor_account("1", "Contoso Dental"),
        a_vendor_account("2", "Northwind Traders"),
        a_psa_account("9", "Contoso Dental LLC"),
        a_psa_account("8", "Contoso Dentel LLC"),
        a_psa_account("7", "Northwind Traders"),
    )
    await matcher.world.propose()
    return matcher


def ids(answer: dict[str, Any]) -> list[str]:
    return [one["psa_id"] for one in answer["proposals"]]


async def test_proposals_are_shown_with_names_and_reasons(known: MatcherClient) -> None:
    answer = await known.get(ITEM)

    first, second = answer["proposals"]
    assert (first["psa_id"], first["name"], first["code"]) == ("9", "Contoso Dental LLC", "C9")
    assert first["probability_per_mille"] > second["probability_per_mille"]
    assert first["margin_per_mille"] == -second["margin_per_mille"]
    assert all(reason["words"] and reason["kind"] for reason in first["reasons"])
    assert answer["revision"] > 0


async def test_a_mapped_item_has_none_and_an_unknown_one_is_not_found(known: MatcherClient) -> None:
    mapped = await known.get("/proposals/account/int_vendor/2")
    unknown = await known.send("GET", "/proposals/account/int_vendor/77")
    elsewhere = await known.send("GET", "/proposals/account/int_other/1")
    of_other = await known.send("GET", ITEM, tenant_id="other")

    assert (mapped["proposals"], mapped["revision"]) == ([], 0)
    assert [one.status_code for one in (unknown, elsewhere, of_other)] == [404, 404, 404]


async def test_a_refused_company_is_gone_at_once_and_is_not_proposed_again(known: MatcherClient) -> None:
    before = await known.get(ITEM)

    answer = await known.send("POST", f"{ITEM}/refusals", NINE)
    await known.world.propose()
    after = await known.get(ITEM)

    assert answer.status_code == 200
    assert ids(before) == ["9", "8"]
    assert ids(answer.json()) == ids(after) == ["8"]
    assert after["proposals"][0]["probability_per_mille"] == before["proposals"][1]["probability_per_mille"]
    assert after["proposals"][0]["margin_per_mille"] == after["proposals"][0]["probability_per_mille"]
    assert after["revision"] == answer.json()["revision"] > before["revision"]
    assert await known.world.proposed() == {"1": ["8"]}


async def test_a_refusal_outlives_reconnecting(known: MatcherClient) -> None:
    await known.send("POST", f"{ITEM}/refusals", NINE)
    await known.world.receive(an_integration(revision=2), a_vendor_account("1", "Contoso Dental", revision=2))

    await known.world.propose()

    assert ids(await known.get(ITEM)) == ["8"]


async def test_a_refusal_that_is_taken_back_lets_the_company_be_proposed(known: MatcherClient) -> None:
    await known.send("POST", f"{ITEM}/refusals", NINE)

    answer = await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    again = await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    await known.world.propose()

    assert (answer.status_code, again.status_code) == (200, 200)
    assert ids(await known.get(ITEM)) == ["9", "8"]


async def told(client: MatcherClient) -> list[ProposalRefused]:
    return [one for one in await client.world.published() if isinstance(one, ProposalRefused)]


async def test_a_refusal_and_its_withdrawal_are_told_with_who_and_when(known: MatcherClient) -> None:
    await known.send("POST", f"{ITEM}/refusals", NINE)
    await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    await known.send("POST", f"{ITEM}/refusals", NINE)

    said = await told(known)

    assert [one.stands for one in said] == [True, False, True]
    assert [one.revision for one in said] == sorted({one.revision for one in said})
    assert {(one.key, one.vendor_id, one.psa_integration_id, one.psa_id) for one in said} == {
        (said[0].key, "1", "int_psa", "9")
    }
    assert all(one.decided_by and one.decided_at for one in said)


async def test_what_was_said_already_is_not_told_again(known: MatcherClient) -> None:
    await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    await known.send("POST", f"{ITEM}/refusals", NINE)
    await known.send("POST", f"{ITEM}/refusals", NINE)

    assert [one.stands for one in await told(known)] == [True]


async def test_a_refusal_from_before_it_was_told_stands_and_can_be_taken_back(
    known: MatcherClient, mongo: Mongo
) -> None:
    await known.send("POST", f"{ITEM}/refusals", NINE)
    (row,) = await mongo.all_tenants("proposal_refusals").find()
    former = {"_id": row["_id"], "kind": "account", "refused_by": "ann", "refused_at": row["decided_at"]}
    await mongo.documents("proposal_refusals", "demo").put(former)
    await known.world.propose()
    standing = ids(await known.get(ITEM))

    await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    await known.world.propose()

    assert standing == ["8"]
    assert ids(await known.get(ITEM)) == ["9", "8"]
    assert [one.stands for one in await told(known)] == [True, False]


async def test_refusals_that_a_restored_database_lacks_are_followed_and_not_told_again(
    known: MatcherClient, mongo: Mongo
) -> None:
    await known.send("POST", f"{ITEM}/refusals", NINE)
    rows = await mongo.all_tenants("proposal_refusals").find()
    await known.send("DELETE", f"{ITEM}/refusals/int_psa/9")
    await known.send("POST", f"{ITEM}/refusals", {**NINE, "psa_id": "8"})
    said = await told(known)
    await mongo.all_tenants("proposal_refusals").remove({})
    await mongo.documents("proposal_refusals", "demo").put(rows[0])

    for _ in range(2):
        await RefusalRecovery(MongoProposals(mongo, Outbox(mongo, "matcher"))).catch_up(said[::-1])
    await known.world.propose()

    assert ids(await known.get(ITEM)) == ["9"]
    assert await told(known) == said


async def test_the_same_refusal_twice_is_one(known: MatcherClient) -> None:
    first = await known.send("POST", f"{ITEM}/refusals", NINE)
    second = await known.send("POST", f"{ITEM}/refusals", NINE)

    assert second.json() == first.json()


@pytest.mark.parametrize("refused", [{**NINE, "psa_id": "77"}, {**NINE, "psa_integration_id": "int_vendor"}])
async def test_a_company_that_there_is_not_cannot_be_refused(
    known: MatcherClient, refused: dict[str, str]
) -> None:
    answer = await known.send("POST", f"{ITEM}/refusals", refused)

    assert answer.status_code == 404
    assert ids(await known.get(ITEM)) == ["9", "8"]


async def test_who_only_looks_refuses_nothing(known: MatcherClient) -> None:
    answers = [
        await known.send("POST", f"{ITEM}/refusals", NINE, role=Role.VIEWER),
        await known.send("DELETE", f"{ITEM}/refusals/int_psa/9", role=Role.VIEWER),
        await known.send("POST", f"{ITEM}/refusals", NINE, tenant_id="other"),
    ]

    assert [one.status_code for one in answers] == [403, 403, 404]
    assert ids(await known.get(ITEM)) == ["9", "8"]


async def test_an_id_with_a_slash_is_asked_for_and_refused(known: MatcherClient) -> None:
    await known.world.receive(
        a_vendor_account("a/b", "Fabrikam Plumbing"), a_psa_account("6", "Fabrikam Plumbng")
    )
    await known.world.propose()
    path = "/proposals/account/int_vendor/a/b"

    shown = await known.get(path)
    await known.send("POST", f"{path}/refusals", {**NINE, "psa_id": "6"})

    assert ids(shown) == ["6"]
    assert ids(await known.get(path)) == []


async def test_a_list_shows_what_has_a_proposal_and_no_decision(known: MatcherClient) -> None:
    suggested = await known.get("/accounts", side="vendor", state="suggested")
    await known.send("PUT", "/mappings/account/int_vendor/1", {**NINE, "method": "proposal"})
    accepted = await known.get("/accounts", side="vendor", state="suggested")

    assert [row["id"] for row in suggested["accounts"]] == ["1"]
    assert accepted["accounts"] == []


async def test_a_list_shows_the_best_proposal_of_each_undecided_item_when_asked(known: MatcherClient) -> None:
    best = (await known.get(ITEM))["proposals"][0]

    plain = await known.get("/accounts", side="vendor")
    rows = (await known.get("/accounts", side="vendor", **{"with": "proposal"}))["accounts"]
    companies = await known.get("/accounts", side="psa", **{"with": "proposal"})

    shown = {row["id"]: row["proposal"] for row in rows}
    assert [row["proposal"] for row in plain["accounts"]] == [None, None]
    assert shown["2"] is None
    assert shown["1"].pop("psa_name") == best.pop("name") == "Contoso Dental LLC"
    assert best.pop("code") == "C9"
    assert shown["1"] == best
    assert len(companies["accounts"]) == 3


async def test_a_list_takes_nothing_else_along(known: MatcherClient) -> None:
    answer = await known.send("GET", "/accounts?side=vendor&with=everything")

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "with"
