"""Decisions on what was seen, undo and history over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
from catalogue_builders import a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in

from shared.mongo import Mongo
from shared.web.person import Role

ACCOUNTS = (
    an_integration(),
    a_psa(),
    a_vendor_account("1", "Contoso"),
    a_psa_account("9", "Contoso Ltd"),
    a_psa_account("8", "Fabrikam"),
)
ACCOUNT = "/mappings/account/int_vendor/1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}
TO_8 = {"psa_integration_id": "int_psa", "psa_id": "8"}
ITEM = {"kind": "account", "vendor_integration_id": "int_vendor", "vendor_id": "1", "decision": TO_9}


@pytest.fixture
async def known(matcher: MatcherClient) -> MatcherClient:
    await matcher.world.receive(*ACCOUNTS)
    return matcher


async def put(
    matcher: MatcherClient, body: dict[str, Any], *, by: str = "ann", **headers: str
) -> httpx.Response:
    sent = signed_in(Role.MAPPER, person_id=by) | {name.replace("_", "-"): headers[name] for name in headers}
    return await matcher.http.put(ACCOUNT, json=body, headers=sent)


async def test_the_second_of_two_people_gets_the_decision_of_the_first(known: MatcherClient) -> None:
    answers = await asyncio.gather(
        put(known, TO_9, by="ann", If_Match="0"), put(known, TO_8, by="bob", If_Match='"0"')
    )

    done, refused = sorted(answers, key=lambda answer: answer.status_code)
    problem = refused.json()
    assert (done.status_code, refused.status_code) == (200, 409)
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["refusal"] == "decided-meanwhile"
    assert problem["mapping"] == done.json()
    assert problem["mapping"]["decided_by"] in problem["detail"]


@pytest.mark.parametrize("tag", ["", "W/1", "*", "-1", "1.5", "9" * 30, "٣"])
async def test_a_revision_that_is_none_is_refused(known: MatcherClient, tag: str) -> None:
    headers = {**signed_in(Role.MAPPER), "If-Match": tag.encode()}

    answer = await known.http.put(ACCOUNT, json=TO_9, headers=headers)  # type: ignore[arg-type]  # bytes go too

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "if-match"


async def test_a_refusal_without_a_decision_says_so(known: MatcherClient) -> None:
    answer = await put(known, TO_9, If_Match="3")

    assert (answer.status_code, answer.json()["mapping"]) == (409, None)


async def test_a_repeated_key_answers_as_at_first(known: MatcherClient) -> None:
    first = await put(known, TO_9, Idempotency_Key="k1")
    await put(known, TO_8)

    again = await put(known, TO_9, Idempotency_Key="k1")
    other = await put(known, TO_8, Idempotency_Key="k1")

    assert (again.status_code, again.json()) == (200, first.json())
    assert other.status_code == 409


async def test_an_accepted_proposal_is_a_method_and_no_other_is(known: MatcherClient) -> None:
    await known.world.propose()

    accepted = await put(known, {**TO_9, "method": "proposal"})
    exact = await put(known, {**TO_9, "method": "exact"})

    assert (accepted.json()["method"], exact.status_code) == ("proposal", 422)


async def test_what_is_not_proposed_is_refused_as_a_proposal_and_taken_as_a_choice(
    known: MatcherClient,
) -> None:
    await known.world.propose()

    refused = await put(known, {**TO_8, "method": "proposal"})
    chosen = await put(known, TO_8)

    assert (refused.status_code, refused.json()["refusal"]) == (409, "not-proposed")
    assert "choose it by hand" in refused.json()["detail"]
    assert (chosen.status_code, chosen.json()["method"]) == (200, "manual")


async def test_an_inactive_company_is_refused_with_the_mapping_as_it_is(known: MatcherClient) -> None:
    standing = (await put(known, TO_8)).json()
    await known.world.receive(a_psa_account("9", "Contoso Ltd", active=False, revision=2))

    answer = await put(known, TO_9)

    assert answer.status_code == 409
    assert (answer.json()["refusal"], answer.json()["mapping"]) == ("psa-item-inactive", standing)


async def test_a_decision_is_undone_and_redone(known: MatcherClient) -> None:
    first = (await put(known, TO_9)).json()
    second = (await put(known, TO_8)).json()

    undone = await known.send("POST", f"{ACCOUNT}/undo", {"revision": second["revision"]})
    stale = await known.send("POST", f"{ACCOUNT}/undo", {"revision": second["revision"]})
    redone = await known.send("POST", f"{ACCOUNT}/undo", {"revision": undone.json()["revision"]})

    assert (undone.json()["psa_id"], undone.json()["undoes"]) == ("9", second["revision"])
    assert (stale.status_code, stale.json()["mapping"]) == (409, undone.json())
    assert (redone.json()["psa_id"], first["replaced"]["revision"]) == ("8", 0)


async def test_an_undo_that_is_sent_again_with_its_key_is_one_undo(known: MatcherClient) -> None:
    body = {"revision": (await put(known, TO_9)).json()["revision"]}

    first = await known.send("POST", f"{ACCOUNT}/undo", body, key="k1")
    again = await known.send("POST", f"{ACCOUNT}/undo", body, key="k1")

    assert (again.status_code, again.json()) == (200, first.json())


async def test_the_history_holds_each_decision_once_newest_first(known: MatcherClient) -> None:
    made = [(await put(known, body)).json() for body in (TO_9, TO_8, {"excluded": True, "reason": "ours"})]
    made.append((await known.send("DELETE", ACCOUNT)).json())

    found, page = list[Any](), dict[str, Any]()
    while not page or page["next"]:
        after = {"after": page["next"]} if page else {}
        page = await known.get(f"{ACCOUNT}/history", limit=1, **after)
        found += page["decisions"]
        assert len(found) <= len(made)

    assert found == made[::-1]


async def test_what_was_decided_before_versions_were_kept_is_the_first_of_them(
    known: MatcherClient, mongo: Mongo
) -> None:
    old = (await put(known, TO_9)).json()["revision"]
    await mongo.all_tenants("mappings").change({}, {"$unset": {"replaced": "", "undoes": ""}})

    undone = await known.send("POST", f"{ACCOUNT}/undo", {"revision": old})
    new = (await put(known, TO_8)).json()
    page = await known.get(f"{ACCOUNT}/history")
    back = await known.send("POST", f"{ACCOUNT}/undo", {"revision": new["revision"]})

    assert (undone.status_code, undone.json()["refusal"]) == (409, "former-decision-unknown")
    assert [(one["revision"], one["psa_id"]) for one in page["decisions"]] == [
        (new["revision"], "8"),
        (old, "9"),
    ]
    assert page["decisions"][1]["replaced"] is None
    assert back.json()["psa_id"] == "9"


async def test_the_history_of_nothing_or_of_another_tenants_item_is_not_there(known: MatcherClient) -> None:
    undecided = await known.http.get(f"{ACCOUNT}/history", headers=signed_in(Role.VIEWER))
    await put(known, TO_9)
    theirs = await known.http.get(f"{ACCOUNT}/history", headers=signed_in(Role.VIEWER, "rival"))

    assert (undecided.status_code, theirs.status_code) == (404, 404)


async def test_an_id_with_a_slash_has_a_history_too(known: MatcherClient) -> None:
    await known.world.receive(a_vendor_account("a/b", "Odd"))
    path = "/mappings/account/int_vendor/a%2Fb"
    decided = (await known.send("PUT", path, TO_9)).json()

    undone = await known.send("POST", f"{path}/undo", {"revision": decided["revision"]})
    page = await known.get(f"{path}/history")

    assert undone.json()["decision"] == "revoked"
    assert [one["revision"] for one in page["decisions"]] == [undone.json()["revision"], decided["revision"]]


async def test_what_is_done_to_an_item_is_no_item(known: MatcherClient) -> None:
    answers = [await known.send("PUT", f"{ACCOUNT}/{name}", TO_9) for name in ("undo", "history")]

    assert [answer.status_code for answer in answers] == [405, 405]
    assert [answer.headers["allow"] for answer in answers] == ["POST", "GET"]


@pytest.mark.parametrize("cursor", ["WyJ4Il0=", "WyItMSJd", "never-made-here"])
async def test_a_cursor_that_the_history_did_not_give_is_refused(known: MatcherClient, cursor: str) -> None:
    await put(known, TO_9)

    answer = await known.http.get(
        f"{ACCOUNT}/history", params={"after": cursor}, headers=signed_in(Role.VIEWER)
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "body"), [(f"{ACCOUNT}/undo", {"revision": 1}), ("/mappings", {"items": [ITEM]})]
)
async def test_a_viewer_decides_nothing(known: MatcherClient, path: str, body: dict[str, Any]) -> None:
    answer = await known.send("POST", path, body, role=Role.VIEWER, key="k1")

    assert answer.status_code == 403


async def test_another_tenant_decides_on_nothing_and_learns_nothing(known: MatcherClient) -> None:
    await put(known, TO_9)
    before = await known.world.published()

    undone = await known.send("POST", f"{ACCOUNT}/undo", {"revision": 1}, tenant_id="rival")
    many = await known.send("POST", "/mappings", {"items": [ITEM]}, tenant_id="rival", key="k1")

    assert undone.status_code == 404
    assert (many.json()["outcomes"][0]["status"], many.json()["outcomes"][0]["mapping"]) == ("refused", None)
    assert await known.world.published() == before
