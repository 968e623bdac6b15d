"""What changes while it is read: no manifest confirms a sum that was never true at any instant."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, a_detail, a_product, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.manifest import ItemSpan
from shared.contracts.vendor_sync import ServiceObserved, SubscriptionStatus, VendorAccountRead
from shared.mongo import Mongo
from vendor_sync.marketplace import SubscriptionDetail


def seats(subscription_id: str, quantity: int, *, account_id: str = "c1") -> SubscriptionDetail:
    """So many seats of one and the same service."""
    return a_detail(a_row(subscription_id, account_id=account_id), a_product("M", quantity=quantity))


def once(action: Callable[[], None], *, at: str) -> Callable[[str], Awaitable[None]]:
    """Does something right before the first answer or listing of this name."""
    left = [action]

    async def hook(name: str) -> None:
        if name == at and left:
            left.pop()()

    return hook


def nth(action: Callable[[], None], *, at: str, time: int) -> Callable[[str], Awaitable[None]]:
    """Does something right before this time of listing or answering it."""
    seen: list[str] = []

    async def hook(name: str) -> None:
        seen.append(name)
        if name == at and seen.count(at) == time:
            action()

    return hook


@pytest.fixture
async def harness(mongo: Mongo) -> VendorRunHarness:
    """X 10 and Y 5 of one service, and something else beside; two runs have agreed on it."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(seats("x", 10), seats("y", 5), an_offer("z", "other", 3), seats("b", 7, account_id="c2"))
    harness = VendorRunHarness(mongo, marketplace)
    await harness.run("first")
    await harness.run("second")
    assert harness.seats(harness.last_manifest(), confirmed=True) == {"M": 15, "other": 3}
    harness.begin_anew()
    return harness


def confirmed(harness: VendorRunHarness, offer: str = "M", account_id: str = "c1") -> set[Decimal]:
    """Returns the sums that the manifests of an account have confirmed."""
    sums = [harness.seats(one, confirmed=True) for one in harness.manifests(account_id)]
    return {sum_[offer] for sum_ in sums if offer in sum_}


def span_of(harness: VendorRunHarness, manifest: VendorAccountRead, offer: str) -> ItemSpan:
    """Returns when what the manifest states of an offer is known to be so."""
    (item,) = {one.service_id for one in harness.published(ServiceObserved) if one.mpn == offer}
    (span,) = [span for span in manifest.spans if span.item_id == item]
    return span


async def test_a_first_manifest_confirms_nothing_and_the_next_all(mongo: Mongo) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(seats("x", 10))

    await harness.run("first")
    await harness.run("second")

    first, second = harness.manifests()
    assert harness.seats(first) == {"M": 10}
    assert harness.seats(first, confirmed=True) == {}
    assert harness.seats(second, confirmed=True) == {"M": 10}


async def test_what_did_not_change_is_confirmed_without_a_further_call(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "x", "y", "z"]
    assert (finished.manifests, confirmed(harness)) == (2, {Decimal(15)})


async def test_a_change_costs_one_list_of_its_account_and_the_second_readings_of_its_service(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.put(seats("x", 12))

    finished = await harness.run()

    assert sorted(harness.marketplace.calls) == ["b", "list c1", "x", "x", "y", "y", "z"]
    assert (finished.manifests, confirmed(harness)) == (2, {Decimal(17)})
    assert finished.exceptions == ()


@pytest.mark.parametrize(
    ("before", "after"), [((10, 5), (0, 15)), ((15, 0), (0, 15)), ((0, 15), (15, 0)), ((10, 5), (15, 0))]
)
async def test_seats_that_move_between_two_calls_are_never_counted_twice_or_not_at_all(
    harness: VendorRunHarness, before: tuple[int, int], after: tuple[int, int]
) -> None:
    """X 10 + Y 5 becomes X 0 + Y 15 when X was read and Y was not: never 25, and never 5."""
    harness.marketplace.put(seats("x", before[0]), seats("y", before[1]))
    await harness.run("before")
    harness.begin_anew()
    harness.marketplace.before_answer = once(
        lambda: harness.marketplace.put(seats("x", after[0]), seats("y", after[1])), at="y"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert {harness.seats(one)["M"] for one in harness.manifests()} == {Decimal(15)}


async def test_seats_that_moved_and_came_back_are_confirmed_only_since_they_came_back(
    harness: VendorRunHarness,
) -> None:
    """0 and 15 when they are read first, 10 and 5, as before, when they are read again."""
    await harness.run("before")
    before = span_of(harness, harness.last_manifest(), "M")
    harness.begin_anew()
    harness.marketplace.put(seats("x", 0), seats("y", 15))
    harness.marketplace.before_listing = once(
        lambda: harness.marketplace.put(seats("x", 10), seats("y", 5)), at="list c1"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert [harness.marketplace.calls.count(id_) for id_ in ("x", "y", "list c1")] == [3, 3, 2]
    assert span_of(harness, harness.last_manifest(), "M").known_from > before.known_until


async def test_a_new_id_that_the_last_lists_show_is_never_added_to_older_readings(
    harness: VendorRunHarness,
) -> None:
    """X was read as 10; then 4 of its seats are split off into a subscription of their own."""
    harness.marketplace.before_listing = nth(
        lambda: harness.marketplace.put(seats("x", 6), seats("x-new", 4)), at="active", time=2
    )

    finished = await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert "x-new" in {thing.id for thing in harness.last_manifest().things}
    assert [one.nth for one in harness.manifests()] == [1, 2]
    assert finished.manifests == 3


async def test_seats_split_off_after_the_lists_were_read_are_not_missed(harness: VendorRunHarness) -> None:
    harness.marketplace.before_answer = once(
        lambda: harness.marketplace.put(seats("x", 6), seats("x-new", 4)), at="x"
    )

    await harness.run()

    assert confirmed(harness) == {Decimal(15)}
    assert "x-new" in {thing.id for thing in harness.last_manifest().things}


async def test_a_renewal_in_mid_run_is_never_confirmed_without_its_new_id(harness: VendorRunHarness) -> None:
    """The old id reads `removed`, and the new one is in no list before those at the end."""

    def renew() -> None:
        harness.marketplace.set_status("x", SubscriptionStatus.REMOVED)
        harness.marketplace.put(seats("x-renewed", 10))
        harness.marketplace.unlisted.add("x-renewed")

    harness.marketplace.before_answer = once(renew, at="x")
    harness.marketplace.before_listing = nth(harness.marketplace.unlisted.clear, at="active", time=2)

    finished = await harness.run()

    assert finished.outcome is Outcome.COMPLETE
    assert confirmed(harness) == {Decimal(15)}
    manifest = harness.last_manifest()
    assert {"x-renewed", "y"} <= {thing.id for thing in manifest.things}
    (span,) = [span for span in manifest.spans if span.ended]
    assert (span.ended, span.is_empty, span.last_ended_at is not None) == (1, False, True)


async def test_an_end_is_confirmed_by_the_last_lists_without_a_list_of_its_account(
    harness: VendorRunHarness,
) -> None:
    harness.marketplace.set_status("x", SubscriptionStatus.TERMINATED)

    await harness.run()

    assert "list c1" not in harness.marketplace.calls
    assert confirmed(harness) == {Decimal(5)}
    (manifest,) = harness.manifests()
    assert {thing.id for thing in manifest.things} == {"y", "z"}


async def test_what_has_ended_is_counted_as_ended_once(harness: VendorRunHarness) -> None:
    harness.marketplace.set_status("x", SubscriptionStatus.TERMINATED)
    await harness.run("ended")
    await harness.run("later")

    for manifest in harness.manifests():
        assert sorted(span.ended for span in manifest.spans) == [0, 1]


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
