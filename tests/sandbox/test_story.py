"""The story holds for every seed, before and after the month."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import expected_counts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandboxes import MovableClock

from sandbox.settings import Settings
from sandbox.story.script import describe
from sandbox.world import World, make_world

SEEDS = st.integers(min_value=0, max_value=10_000)
AWKWARD: dict[str, Callable[[Any, str], bool]] = {
    "cancelled": lambda line, today: line.get("cancelledDate", today) < today,
    "future": lambda line, today: line["effectiveDate"] > today,
    "not billed": lambda line, _today: line["billCustomer"] == "DoNotBill",
    "partly included": lambda line, _today: line["lessIncluded"] > 0,
}


def a_world(seed: int = 7) -> World:
    return make_world(Settings(port=8090, seed=seed), MovableClock())


def target_of(part: dict[str, Any]) -> expected_counts.Target:
    return part["psa_account_id"], part["psa_product_id"]


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_the_selected_parts_are_what_they_are_called(seed: int) -> None:
    parts = describe(a_world(seed).story)["parts"]

    up, down, gone = parts["increase"], parts["decrease"], parts["last_seat_gone"]
    assert up["psa_quantity"] < up["vendor_quantity_before"] < up["vendor_quantity"]
    assert down["psa_quantity"] > down["vendor_quantity_before"] > down["vendor_quantity"] > 0
    assert (gone["psa_quantity"], gone["vendor_quantity_before"], gone["vendor_quantity"]) == (1, 1, 0)
    assert parts["two_subscriptions"]["vendor_quantity"] != parts["two_subscriptions"]["psa_quantity"]
    assert len(parts["two_subscriptions"]["subscription_ids"]) == 2
    assert parts["without_quantity"]["vendor_quantity"] is None
    assert len(parts["ambiguous"]["addition_ids"]) == 2
    assert parts["ambiguous"]["psa_quantity"] is None


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_only_the_scripted_differences_are_there_before_the_month(seed: int) -> None:
    world = a_world(seed)
    parts = describe(world.story)["parts"]
    not_bought = {(world.story.psa.companies["juniper"]["id"], world.story.psa.items["rmm"]["id"])}

    scripted = {target_of(parts[name]) for name in ("increase", "decrease", "two_subscriptions")}

    assert expected_counts.differing_targets(world) == scripted | not_bought


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_after_the_month_the_vendor_has_the_quantities_that_the_parts_announce(seed: int) -> None:
    world = a_world(seed)
    parts = describe(world.story)["parts"]
    before = expected_counts.differing_targets(world)

    world.month.apply_once(world.today)

    assert expected_counts.differing_targets(world) == before | {target_of(parts["last_seat_gone"])}
    for part in parts.values():
        if part["vendor_quantity"] is not None:
            quantities = expected_counts.vendor_quantities(world)[target_of(part)]
            assert expected_counts.target_sum(quantities) == part["vendor_quantity"]


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_ids_are_unique_and_names_do_not_depend_on_the_seed(seed: int) -> None:
    world, other = a_world(seed), a_world(seed + 1)

    assert len(world.marketplace.customers.keys() | world.marketplace.subscriptions.keys()) == 12 + 30
    assert len({row["id"] for row in world.psa.additions}) == 30
    assert [row["name"] for row in world.psa.companies] == [row["name"] for row in other.psa.companies]


def test_exact_accounts_have_one_company_of_that_name_and_the_others_have_not() -> None:
    world = a_world()
    names = Counter(row["name"] for row in world.psa.companies)

    exact = {
        account["vendor_name"]: account["how"] == "exact" for account in describe(world.story)["accounts"]
    }

    assert exact == {name: names[name] == 1 for name in exact}
    assert list(exact.values()).count(True) == 8


def test_exact_services_are_found_by_part_number_or_name_and_the_others_are_not() -> None:
    world = a_world()
    keys = {row["identifier"] for row in world.psa.products}
    names = {row["description"] for row in world.psa.products}
    services = describe(world.story)["services"]
    once = Counter(service["mpn"] for service in services)

    for service in services:
        findable = once[service["mpn"]] == 1 and (service["mpn"] in keys or service["name"] in names)
        assert findable == (service["how"] == "exact"), service


def test_two_terms_of_one_part_number_are_two_services_of_one_product() -> None:
    services = describe(a_world().story)["services"]

    premium = [service for service in services if service["mpn"] == "CFQ7TTC0LCHC:0002"]

    assert {service["term"] for service in premium} == {"1 year", "1 month"}
    assert len({service["psa_product_id"] for service in premium}) == 1


@pytest.mark.parametrize("kind", AWKWARD)
def test_there_is_one_line_of_every_awkward_kind(kind: str) -> None:
    world = a_world()
    today = f"{world.today}T00:00:00Z"

    found = [line for line in world.psa.additions if AWKWARD[kind](line, today)]

    assert len(found) == 1, kind


def test_one_agreement_has_expired_and_one_is_a_child() -> None:
    agreements = list(a_world().psa.agreements)

    assert [row["agreementStatus"] for row in agreements].count("Expired") == 1
    assert sum("parentAgreement" in row for row in agreements) == 1


def test_the_resellers_own_access_is_a_subscription_without_products() -> None:
    world = a_world()
    own = world.story.vendor.customers["own"]

    found = [
        subscription
        for subscription in world.marketplace.subscriptions.values()
        if subscription.customer_id == own.id
    ]

    assert [(subscription.name, subscription.lines) for subscription in found] == [("Marketplace API", [])]
