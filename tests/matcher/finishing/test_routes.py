"""Finishing over HTTP."""

from datetime import timedelta

import pytest
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient
from people import signed_in

from shared.contracts.auth import IntegrationStatus
from shared.web.person import Role

ACCOUNTS = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
SERVICES = (a_service("s1", "Mail"), a_product("p1", "Mail"))
ACCOUNT = "/mappings/account/int_vendor/1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}
BOTH = {"vendor_integration_id": "int_vendor", "psa_integration_id": "int_psa"}


async def test_finishing_answers_with_an_id_and_counts(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)
    await matcher.send("PUT", ACCOUNT, TO_9)

    first = await matcher.send("POST", "/finish", BOTH, key="k1")
    again = await matcher.send("POST", "/finish", BOTH, key="k1")

    assert first.status_code == 202
    assert first.json()["counts"]["accounts_mapped"] == 1
    assert again.json() == first.json()


async def test_finishing_too_early_says_what_is_missing(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)

    answer = await matcher.send("POST", "/finish", BOTH)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("no account of int_vendor is mapped to int_psa")


async def test_a_preview_says_what_a_finish_would(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)

    before = await matcher.get("/finish", **BOTH)
    refused = await matcher.send("POST", "/finish", BOTH)
    await matcher.send("PUT", ACCOUNT, TO_9)
    after = await matcher.get("/finish", **BOTH)
    finished = await matcher.send("POST", "/finish", BOTH)

    assert (before["ready"], before["missing"], before["objection"]) == (
        False,
        ["account"],
        refused.json()["detail"],
    )
    assert (after["ready"], after["missing"], after["objection"]) == (True, [], None)
    assert after["counts"] == finished.json()["counts"]
    assert (after["accounts"]["methods"]["manual"], after["services"]["methods"]["exact"]) == (1, 1)


async def test_a_preview_of_a_disconnected_psa_says_so(matcher: MatcherClient) -> None:
    gone = a_psa(status=IntegrationStatus.DISCONNECTED, revision=2)
    await matcher.world.receive(*ACCOUNTS, *SERVICES, gone)

    preview = await matcher.get("/finish", **BOTH)

    assert preview["ready"] is False
    assert preview["objection"] == "psa integration int_psa (int_psa) is disconnected: reconnect it"


@pytest.mark.parametrize(
    ("tenant_id", "params"),
    [
        ("demo", {**BOTH, "psa_integration_id": "int_vendor"}),
        ("demo", {**BOTH, "vendor_integration_id": "int_none"}),
        ("rival", BOTH),
    ],
)
async def test_a_preview_knows_the_tenants_own_integrations_only(
    matcher: MatcherClient, tenant_id: str, params: dict[str, str]
) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)

    answer = await matcher.http.get("/finish", params=params, headers=signed_in(Role.VIEWER, tenant_id))

    assert answer.status_code == 404


async def test_every_vendor_item_is_counted_in_one_state(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS[:3], a_psa_account("9", "Contoso"), a_psa_account("8", "Other"))
    await matcher.world.receive(a_vendor_account("2", "Ours"), a_vendor_account("3", "By hand"))
    await matcher.world.receive(a_vendor_account("4", "Taken back", status="cancelled"))
    matcher.world.now += timedelta(hours=1)
    await matcher.world.receive(
        a_vendor_account("5", "New one"), a_vendor_account("6", "Gone", present=False)
    )
    await matcher.world.exclude("2")
    await matcher.world.approve("3", "8")
    await matcher.world.exclude("4")
    await matcher.world.revoke("4")

    counts = await matcher.get("/counts", kind="account", since=matcher.world.now.isoformat(), **BOTH)

    assert counts == {
        "total": 5,
        "states": {"unmapped": 2, "mapped": 2, "excluded": 1},
        "methods": {"exact": 1, "proposal": 0, "manual": 1, "import": 0},
        "to_other_psa": 0,
        "suggested": 0,
        "new": 1,
        "usable": 4,
    }
    for state, number in counts["states"].items():
        assert (await matcher.get("/accounts", side="vendor", state=state))["total"] == number


@pytest.mark.parametrize(
    ("params", "total"),
    [
        ({"search": "cont"}, 1),
        ({"search": "("}, 0),
        ({"search": "  "}, 2),
        ({"vendor_integration_id": "int_other"}, 1),
        ({"vendor_integration_id": "int_none"}, 0),
        ({"tenant_id": "rival"}, 0),
        ({"kind": "service"}, 1),
    ],
    ids=str,
)
async def test_counts_are_of_what_was_asked_for(
    matcher: MatcherClient, params: dict[str, str], total: int
) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)
    await matcher.world.receive(a_vendor_account("1", "Fabrikam", integration_id="int_other"))

    counts = await matcher.get("/counts", **{"kind": "account", **params})

    assert (counts["total"], sum(counts["states"].values()), counts["new"]) == (total, total, None)


async def test_what_is_mapped_to_another_psa_is_counted_apart(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS)
    await matcher.send("PUT", ACCOUNT, TO_9)

    counts = await matcher.get("/counts", kind="account", psa_integration_id="int_other")

    assert (counts["states"]["mapped"], counts["to_other_psa"]) == (1, 1)
