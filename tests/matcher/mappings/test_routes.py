"""What people decide, and who may."""

import json
from typing import Any

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import Matcher
from people import signed_in

from shared.web.person import Role

ACCOUNTS = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
SERVICES = (a_service("s1", "Mail"), a_product("p1", "Mail"))
ACCOUNT = "/mappings/account/int_vendor/1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}
BOTH = {"vendor_integration_id": "int_vendor", "psa_integration_id": "int_psa"}


async def test_a_mapping_is_put_and_answered(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS)

    answer = await matcher.sends("PUT", ACCOUNT, TO_9)

    told = answer.json()
    assert answer.status_code == 200
    assert (told["decision"], told["method"], told["decided_by"]) == ("approved", "manual", "ann")
    assert (told["vendor_name"], told["psa_name"], told["revision"]) == ("Contoso", "Contoso Ltd", 1)


async def test_the_same_mapping_put_twice_is_said_once(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS)
    first = await matcher.sends("PUT", ACCOUNT, TO_9)

    again = await matcher.sends("PUT", ACCOUNT, TO_9)

    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await matcher.world.said()) == 1


async def test_an_account_is_excluded_with_a_reason_and_later_left_open(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS)

    excluded = await matcher.sends("PUT", ACCOUNT, {"excluded": True, "reason": " our own "})
    revoked = await matcher.sends("DELETE", ACCOUNT)

    assert (excluded.json()["decision"], excluded.json()["reason"]) == ("excluded", "our own")
    assert (revoked.status_code, revoked.json()["decision"]) == (200, "revoked")


async def test_an_id_with_a_slash_can_be_decided_on(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, a_vendor_account("a/b c", "Odd"))

    answer = await matcher.sends("PUT", "/mappings/account/int_vendor/a%2Fb%20c", TO_9)

    assert (answer.status_code, answer.json()["vendor_id"]) == (200, "a/b c")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"psa_integration_id": "int_psa"},
        {"excluded": True},
        {"excluded": True, "reason": " "},
        {"excluded": False, "reason": "why"},
        {**TO_9, "excluded": True, "reason": "both"},
        {"psa_integration_id": {"$gt": ""}, "psa_id": "9"},
    ],
    ids=ascii,
)
async def test_a_decision_that_makes_no_sense_is_refused(matcher: Matcher, body: dict[str, Any]) -> None:
    await matcher.world.hears(*ACCOUNTS)

    answer = await matcher.sends("PUT", ACCOUNT, body)

    assert answer.status_code == 422
    assert await matcher.world.said() == []


async def test_text_that_no_store_can_hold_is_refused(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS)
    body = json.dumps({"excluded": True, "reason": "\ud800"})

    answer = await matcher.client.put(ACCOUNT, content=body, headers=signed_in(Role.MAPPER))

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/mappings/account/int_vendor/77", TO_9, 404),
        ("/mappings/account/int_unknown/1", TO_9, 404),
        (ACCOUNT, {"psa_integration_id": "int_psa", "psa_id": "77"}, 404),
        (ACCOUNT, {"psa_integration_id": "int_vendor", "psa_id": "1"}, 404),
        (ACCOUNT, {"psa_integration_id": "int_psa", "psa_id": "8"}, 409),
    ],
)
async def test_what_cannot_be_mapped_is_refused_with_a_sentence(
    matcher: Matcher, path: str, body: dict[str, Any], status: int
) -> None:
    await matcher.world.hears(*ACCOUNTS, a_psa_account("8", "Gone", active=False))

    answer = await matcher.sends("PUT", path, body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


async def test_finishing_answers_with_an_id_and_counts(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, *SERVICES)
    await matcher.sends("PUT", ACCOUNT, TO_9)

    first = await matcher.sends("POST", "/finish", BOTH, key="k1")
    again = await matcher.sends("POST", "/finish", BOTH, key="k1")

    assert first.status_code == 202
    assert first.json()["counts"]["accounts_mapped"] == 1
    assert again.json() == first.json()


async def test_finishing_too_early_says_what_is_missing(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, *SERVICES)

    answer = await matcher.sends("POST", "/finish", BOTH)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("no account of int_vendor is mapped to int_psa")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", ACCOUNT, TO_9), ("DELETE", ACCOUNT, None), ("POST", "/finish", BOTH)],
)
async def test_a_viewer_may_only_look(
    matcher: Matcher, method: str, path: str, body: dict[str, Any] | None
) -> None:
    await matcher.world.hears(*ACCOUNTS)

    answer = await matcher.sends(method, path, body, role=Role.VIEWER)

    assert answer.status_code == 403
    assert await matcher.world.said() == []


@pytest.mark.parametrize("path", ["/accounts?side=psa", "/services", "/products", "/mappings"])
async def test_nobody_looks_without_a_token(matcher: Matcher, path: str) -> None:
    assert (await matcher.client.get(path)).status_code == 401


async def test_another_tenant_sees_nothing(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, *SERVICES)

    pages = [await matcher.reads(path, "rival") for path in ("/services", "/products", "/mappings")]
    pages += [await matcher.reads("/accounts", "rival", side=side) for side in ("vendor", "psa")]

    assert [next(iter(page.values())) for page in pages] == [[], [], [], [], []]


async def test_another_tenant_changes_nothing(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, *SERVICES)
    await matcher.world.maps("1", "9")
    before = await matcher.world.said()

    requests = [("PUT", ACCOUNT, {"excluded": True, "reason": "mine"}), ("DELETE", ACCOUNT, None)]
    answers = [await matcher.sends(*request, tenant_id="rival") for request in requests]
    answers.append(await matcher.sends("POST", "/finish", BOTH, tenant_id="rival"))

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await matcher.world.said() == before


async def test_a_tenant_cannot_map_to_anothers_company(matcher: Matcher) -> None:
    await matcher.world.hears(*ACCOUNTS, a_psa("int_theirs", tenant_id="rival"))
    await matcher.world.hears(a_psa_account("7", "Theirs", tenant_id="rival", integration_id="int_theirs"))

    answer = await matcher.sends("PUT", ACCOUNT, {"psa_integration_id": "int_theirs", "psa_id": "7"})

    assert answer.status_code == 404
