"""Services of one PSA product are read again together: their numbers are billed as one sum."""

from typing import Any

import pytest
from account_changes import a_settled_harness, once, seats
from marketplace import an_offer
from observation_builders import a_mapping
from vendor_runs import VendorRunHarness

from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.contracts.vendor_sync import ServiceObserved
from shared.mongo import Mongo
from vendor_sync.runs.billed_together import BilledTogether


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """X 10 and Y 5 of service M, Z 3 of another one."""
    return await a_settled_harness(mongo)


def mapped(service_id: str, product_id: str | None, **more: Any) -> MappingDecided:
    ids = {"tenant_id": "demo", "vendor_integration_id": "int_1"}
    return a_mapping("service", service_id, product_id, **(ids | more))


async def map_services(harness: VendorRunHarness, *products: str | None, **more: Any) -> None:
    """Maps M and the other service to these products."""
    ids = list(dict.fromkeys(one.service_id for one in harness.published(ServiceObserved)))
    decisions = [mapped(id_, product, **more) for id_, product in zip(ids, products, strict=True)]
    await BilledTogether(harness.mongo).note(decisions)


async def test_what_is_billed_with_a_service_that_changed_is_read_again_with_it(
    harness: VendorRunHarness,
) -> None:
    await map_services(harness, "41", "41")
    harness.marketplace.put(seats("x", 12))

    await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "list c1", "x", "x", "y", "y", "z", "z"]


@pytest.mark.parametrize("products", [("41", "42"), ("41", None)], ids=["another product", "excluded"])
async def test_what_is_billed_apart_is_not_read_again(
    harness: VendorRunHarness, products: tuple[str | None, ...]
) -> None:
    await map_services(harness, *products)
    harness.marketplace.put(seats("x", 12))

    await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "list c1", "x", "x", "y", "y", "z"]


async def test_seats_that_move_between_services_of_one_product_are_never_counted_twice(
    harness: VendorRunHarness,
) -> None:
    """Ten of M become ten more of the other service, after X was read and before Z is."""
    await map_services(harness, "41", "41")

    def move() -> None:
        harness.marketplace.put(seats("x", 0), an_offer("z", "other", 13))

    harness.marketplace.before_answer = once(move, at="z")

    await harness.run()

    confirmed = [harness.seats(one, confirmed=True) for one in harness.manifests()]
    assert [sum(one.values()) for one in confirmed if len(one) == 2] == [18] * len(confirmed)


async def test_a_mapping_that_was_revoked_joins_nothing_any_more(harness: VendorRunHarness) -> None:
    await map_services(harness, "41", "41")
    await map_services(harness, "41", "41", revision=2, decision=MappingDecision.REVOKED)
    await map_services(harness, "41", "41")  # delivered again, late
    harness.marketplace.put(seats("x", 12))

    await harness.run()

    assert harness.marketplace.calls.count("z") == 1


async def test_decisions_on_accounts_are_none_on_services(harness: VendorRunHarness) -> None:
    ids: dict[str, Any] = {"tenant_id": "demo", "vendor_integration_id": "int_1"}

    await BilledTogether(harness.mongo).note([a_mapping("account", "c1", "co1", **ids)])

    assert await harness.mongo.all_tenants("service_products").count() == 0
