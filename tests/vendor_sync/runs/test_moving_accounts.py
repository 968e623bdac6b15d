"""Accounts that do not come to rest, that move, or that the marketplace cannot list by themselves."""

from decimal import Decimal

import pytest
from account_changes import a_settled_harness, confirmed, once, seats
from marketplace import a_detail, a_product, a_row
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    return await a_settled_harness(mongo)


async def test_an_account_that_changes_at_each_reading_is_named_as_moving(harness: VendorRunHarness) -> None:
    seats_of_x = iter(range(20, 40))

    async def change(name: str) -> None:
        if name == "x":
            harness.marketplace.put(seats("x", next(seats_of_x)))

    harness.marketplace.before_answer = change
    finished = await harness.run()

    assert confirmed(harness) == set()
    assert confirmed(harness, "other") == {Decimal(3)}
    assert harness.marketplace.calls.count("x") == 3
    assert finished.outcome is Outcome.COMPLETE
    assert finished.exceptions == (
        "account c1: its numbers are not sure until next time, it changed while it was read",
    )


async def test_what_moved_is_confirmed_by_the_next_run_that_finds_it_at_rest(
    harness: VendorRunHarness,
) -> None:
    seats_of_x = iter(range(20, 40))

    async def change(name: str) -> None:
        if name == "x":
            harness.marketplace.put(seats("x", next(seats_of_x)))

    harness.marketplace.before_answer = change
    await harness.run("moving")
    harness.marketplace.before_answer = once(lambda: None, at="")

    await harness.run("at rest")

    assert confirmed(harness) == {Decimal(22 + 5)}


async def test_a_marketplace_that_ignores_the_customer_is_asked_for_one_account_once(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.ignores_filter = True
    harness.marketplace.put(seats("x", 12), seats("b", 9, account_id="c2"))

    await harness.run()

    assert len([call for call in harness.marketplace.calls if call.startswith("list")]) == 1
    assert (confirmed(harness), confirmed(harness, account_id="c2")) == ({Decimal(17)}, {Decimal(9)})


async def test_a_marketplace_that_ignores_the_customer_leaves_what_moves_on_for_the_next_run(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.ignores_filter = True
    seats_of_x = iter(range(20, 40))

    async def change(name: str) -> None:
        if name == "x":
            harness.marketplace.put(seats("x", next(seats_of_x)))

    harness.marketplace.before_answer = change
    finished = await harness.run()

    assert confirmed(harness) == set()
    assert len(finished.exceptions) == 1


async def test_a_subscription_that_moves_to_another_customer_leaves_the_one_and_is_of_the_other(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.put(seats("x", 10, account_id="c2"))

    await harness.run()

    assert {thing.id for thing in harness.last_manifest("c1").things} == {"y", "z"}
    assert {thing.id for thing in harness.last_manifest("c2").things} == {"b", "x"}
    assert (confirmed(harness), confirmed(harness, account_id="c2")) == ({Decimal(5)}, {Decimal(17)})


async def test_a_subscription_that_moves_while_it_is_read_is_of_its_new_customer(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.before_answer = once(
        lambda: harness.marketplace.put(seats("x", 10, account_id="c2")), at="x"
    )

    await harness.run()

    assert (confirmed(harness), confirmed(harness, account_id="c2")) == ({Decimal(5)}, {Decimal(17)})


async def test_a_quick_run_confirms_a_change_together_with_what_it_had_kept(
    harness: VendorRunHarness,
) -> None:
    changed = a_detail(a_row("x", status=SubscriptionStatus.HOLD), a_product("M", quantity=12))
    harness.marketplace.put(changed)

    finished = await harness.run("quick", RunKind.QUICK)

    assert sorted(harness.marketplace.calls) == ["list c1", "x", "x", "y"]
    assert (finished.manifests, confirmed(harness)) == (1, {Decimal(17)})
    assert not any(span.is_empty for span in harness.last_manifest().spans)
