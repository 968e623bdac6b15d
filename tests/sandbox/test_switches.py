"""The switches: their names, their defaults, and what failing calls look like."""

from typing import Any

import pytest
from sandboxes import Sandbox


async def test_every_switch_has_a_default(sandbox: Sandbox) -> None:
    assert await sandbox.control("switches") == {
        "connectwise.writes": "applied",
        "connectwise.patch_paths": "refused",
        "connectwise.bad_keys_status": 401,
        "connectwise.foreign_change": None,
        "connectwise.fail_next": None,
        "ingram.fail_next": None,
        "ingram.names_reseller": True,
        "ingram.sister_company": False,
        "ingram.token_dead": False,
        "latency_ms": 0,
    }


async def test_setting_one_switch_leaves_the_others_and_null_puts_it_back(sandbox: Sandbox) -> None:
    await sandbox.switch("connectwise.writes", "refused")
    await sandbox.switch("latency_ms", 1)

    both = await sandbox.control("switches")
    await sandbox.switch("connectwise.writes", None)
    after = await sandbox.control("switches")

    assert (both["connectwise.writes"], both["latency_ms"]) == ("refused", 1)
    assert (after["connectwise.writes"], after["latency_ms"]) == ("applied", 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"connectwise.gravity": True},
        {"connectwise.gravity": None},
        {"connectwise_writes": "refused"},
        {"connectwise.writes": "sometimes"},
        {"ingram.fail_next": {"count": 0, "status": 500}},
        {"ingram.fail_next": {"count": 1, "status": 200}},
        {"latency_ms": -1},
    ],
    ids=str,
)
async def test_an_unknown_name_or_value_is_refused_and_changes_nothing(
    sandbox: Sandbox, wrong: dict[str, Any]
) -> None:
    before = await sandbox.control("switches")

    answer = await sandbox.http.put("/_sandbox/switches", json={"latency_ms": 5} | wrong)

    assert answer.status_code == 422
    assert await sandbox.control("switches") == before


async def test_the_next_calls_fail_and_then_no_more(sandbox: Sandbox) -> None:
    await sandbox.switch("connectwise.fail_next", {"count": 2, "status": 503})

    statuses = [(await sandbox.connectwise.get("company/companies")).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert (await sandbox.control("switches"))["connectwise.fail_next"] is None


async def test_one_providers_failures_leave_the_other_alone(sandbox: Sandbox) -> None:
    await sandbox.switch("ingram.fail_next", {"count": 1, "status": 500})

    assert (await sandbox.connectwise.get("company/companies")).status_code == 200
    assert (await sandbox.ingram.get("customers")).status_code == 500


async def test_a_throttled_psa_answers_in_a_shape_of_its_own(sandbox: Sandbox) -> None:
    await sandbox.switch("connectwise.fail_next", {"count": 1, "status": 429, "retry_after": 30})

    answer = await sandbox.connectwise.get("company/companies")

    assert answer.headers["Retry-After"] == "30"
    assert answer.json() == {
        "error": "ConnectWiseAPI",
        "message": "Too many requests. Please try again in 30 seconds.",
    }


async def test_a_throttled_marketplace_answers_from_the_gateway_perhaps_without_a_header(
    sandbox: Sandbox,
) -> None:
    await sandbox.switch("ingram.fail_next", {"count": 1, "status": 429})

    answer = await sandbox.ingram.get("customers")

    assert "Retry-After" not in answer.headers
    assert answer.json() == {"statusCode": 429, "message": "Rate limit is exceeded. Try again in 1 seconds."}


async def test_a_spent_quota_is_a_403_that_says_so(sandbox: Sandbox) -> None:
    await sandbox.switch("ingram.fail_next", {"count": 1, "status": 403})

    assert "quota" in (await sandbox.ingram.get("customers")).json()["message"]


async def test_latency_delays_every_provider_call(sandbox: Sandbox) -> None:
    await sandbox.switch("latency_ms", 30)

    await sandbox.ingram.get("customers")

    assert (await sandbox.control("calls"))["calls"][-1]["ms"] >= 30
