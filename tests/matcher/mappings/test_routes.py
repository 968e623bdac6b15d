"""Decisions over HTTP, and who may make them."""

import json
from typing import Any

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in

from shared.web.person import Role

ACCOUNTS = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
LONGEST = "\N{GRINNING FACE}" * 200
SERVICES = (a_service("s1", "Mail"), a_product("p1", "Mail"))
ACCOUNT = "/mappings/account/int_vendor/1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}
BOTH = {"vendor_integration_id": "int_vendor", "psa_integration_id": "int_psa"}


async def test_a_mapping_is_put_and_answered(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS)

    answer = await matcher.send("PUT", ACCOUNT, TO_9)

    mapping = answer.json()
    assert answer.status_code == 200
    assert (mapping["decision"], mapping["method"], mapping["decided_by"]) == ("approved", "manual", "ann")
    assert (mapping["vendor_name"], mapping["psa_name"]) == ("Contoso", "Contoso Ltd")


async def test_the_same_mapping_put_twice_is_published_once(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS)
    first = await matcher.send("PUT", ACCOUNT, TO_9)

    again = await matcher.send("PUT", ACCOUNT, TO_9)

    assert (again.status_code, again.json()) == (200, first.json())
    assert len(await matcher.world.published()) == 1


async def test_an_account_is_excluded_with_a_reason_and_later_left_open(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS)

    excluded = await matcher.send("PUT", ACCOUNT, {"excluded": True, "reason": " our own "})
    revoked = await matcher.send("DELETE", ACCOUNT)

    assert (excluded.json()["decision"], excluded.json()["reason"]) == ("excluded", "our own")
    assert (revoked.status_code, revoked.json()["decision"]) == (200, "revoked")


async def test_an_id_with_a_slash_can_be_decided_on(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, a_vendor_account("a/b c", "Odd"))

    answer = await matcher.send("PUT", "/mappings/account/int_vendor/a%2Fb%20c", TO_9)

    assert (answer.status_code, answer.json()["vendor_id"]) == (200, "a/b c")


async def test_pages_of_mappings_with_the_longest_ids_hold_each_once(matcher: MatcherClient) -> None:
    tenant_id, realm = LONGEST, LONGEST
    ids = [f"{number}{LONGEST[1:]}" for number in range(4)]
    vendor = an_integration(tenant_id=tenant_id).model_copy(update={"realm": realm})
    named = [(number, f"Contoso {number}") for number in ids]
    accounts = [a_vendor_account(number, name, tenant_id=tenant_id) for number, name in named]
    companies = [a_psa_account(number[0], name, tenant_id=tenant_id) for number, name in named]
    await matcher.world.receive(vendor, a_psa(tenant_id=tenant_id), *accounts, *companies)

    found, page = list[str](), dict[str, Any]()
    while not page or page["next"]:
        after = {"after": page["next"]} if page else {}
        page = await matcher.get("/mappings", tenant_id, limit=1, kind="account", **after)
        found += [mapping["vendor_id"] for mapping in page["mappings"]]
        assert len(found) <= len(ids)

    assert found == ids


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
async def test_a_decision_that_makes_no_sense_is_refused(
    matcher: MatcherClient, body: dict[str, Any]
) -> None:
    await matcher.world.receive(*ACCOUNTS)

    answer = await matcher.send("PUT", ACCOUNT, body)

    assert answer.status_code == 422
    assert await matcher.world.published() == []


async def test_text_that_no_store_can_hold_is_refused(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS)
    body = json.dumps({"excluded": True, "reason": "\ud800"})

    answer = await matcher.http.put(ACCOUNT, content=body, headers=signed_in(Role.MAPPER))

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
    matcher: MatcherClient, path: str, body: dict[str, Any], status: int
) -> None:
    await matcher.world.receive(*ACCOUNTS, a_psa_account("8", "Gone", active=False))

    answer = await matcher.send("PUT", path, body)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("PUT", ACCOUNT, TO_9), ("DELETE", ACCOUNT, None), ("POST", "/finish", BOTH)],
)
async def test_a_viewer_may_only_look(
    matcher: MatcherClient, method: str, path: str, body: dict[str, Any] | None
) -> None:
    await matcher.world.receive(*ACCOUNTS)

    answer = await matcher.send(method, path, body, role=Role.VIEWER)

    assert answer.status_code == 403
    assert await matcher.world.published() == []


@pytest.mark.parametrize("cursor", ["never-made-here", "WyIiLCAiZGVtbyJd", ""], ids=str)
async def test_a_cursor_that_the_list_did_not_give_is_refused(matcher: MatcherClient, cursor: str) -> None:
    headers = signed_in(Role.VIEWER)

    answer = await matcher.http.get("/mappings", params={"after": cursor}, headers=headers)

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "after"


@pytest.mark.parametrize("path", ["/accounts?side=psa", "/services", "/products", "/mappings"])
async def test_nobody_looks_without_a_token(matcher: MatcherClient, path: str) -> None:
    assert (await matcher.http.get(path)).status_code == 401


async def test_another_tenant_sees_nothing(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)

    pages = [await matcher.get(path, "rival") for path in ("/services", "/products", "/mappings")]
    pages += [await matcher.get("/accounts", "rival", side=side) for side in ("vendor", "psa")]

    assert [next(iter(page.values())) for page in pages] == [[], [], [], [], []]


async def test_another_tenant_changes_nothing(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)
    await matcher.world.approve("1", "9")
    before = await matcher.world.published()

    requests = [("PUT", ACCOUNT, {"excluded": True, "reason": "ours now"}), ("DELETE", ACCOUNT, None)]
    answers = [await matcher.send(*request, tenant_id="rival") for request in requests]
    answers.append(await matcher.send("POST", "/finish", BOTH, tenant_id="rival"))

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await matcher.world.published() == before


async def test_a_tenant_cannot_map_to_anothers_company(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, a_psa("int_theirs", tenant_id="rival"))
    await matcher.world.receive(a_psa_account("7", "Theirs", tenant_id="rival", integration_id="int_theirs"))

    answer = await matcher.send("PUT", ACCOUNT, {"psa_integration_id": "int_theirs", "psa_id": "7"})

    assert answer.status_code == 404
