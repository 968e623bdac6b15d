"""Subscriptions that end while they are read: what they were is not forgotten, nor their end doubted."""

from dataclasses import replace

from account_changes import a_settled_harness, once, seats
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import PermanentError, TransientError
from shared.mongo import Mongo


async def test_a_renewal_before_the_first_detail_was_read_leaves_no_zero_that_is_sure(mongo: Mongo) -> None:
    """Listed active, it is renewed before its detail is read: its service was not without seats meanwhile."""
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(seats("old", 13))

    def renew() -> None:
        harness.marketplace.set_status("old", SubscriptionStatus.REMOVED)
        new = seats("new", 13)
        harness.marketplace.put(replace(new, row=replace(new.row, name="Renewed")))
        harness.marketplace.unlisted.add("new")

    harness.marketplace.before_answer = once(renew, at="old")

    await harness.run()

    # No span at all would say that the service was never there.
    assert [(span.is_empty, span.ended) for span in harness.manifests()[0].spans] == [(True, 1)]


async def test_what_was_listed_and_is_gone_before_it_was_read_leaves_no_zero_that_is_sure(
    mongo: Mongo,
) -> None:
    """Nobody knows of which service it was: it may have been of any that the account has none of now."""
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(seats("old", 13), seats("other", 5))

    def renew() -> None:
        del harness.marketplace.details["old"]
        harness.marketplace.put(seats("new", 13))
        harness.marketplace.unlisted.add("new")

    harness.marketplace.before_answer = once(renew, at="old")

    await harness.run()
    first = harness.manifests()[0]
    harness.marketplace.unlisted.clear()
    await harness.run("run_2")

    assert [(one.id, one.reason) for one in first.unreadable] == [
        ("old", "it was listed, and gone before it was read")
    ]
    assert harness.manifests()[-1].unreadable == ()


async def test_an_end_that_could_not_be_read_twice_is_not_doubted_for_ever(mongo: Mongo) -> None:
    harness = await a_settled_harness(mongo)
    harness.marketplace.set_status("x", SubscriptionStatus.REMOVED)
    answers = 0

    async def fail_the_second_time(call: str) -> None:
        nonlocal answers
        answers += call == "x"
        if call == "x" and answers > 1:
            raise TransientError("away")

    harness.marketplace.before_answer = fail_the_second_time

    await harness.run("ends")
    await harness.run("after")

    assert [manifest.unreadable for manifest in harness.manifests()] == [(), ()]


async def test_what_had_ended_and_is_listed_active_again_is_named_until_it_can_be_read(mongo: Mongo) -> None:
    harness = await a_settled_harness(mongo)
    is_readable = True

    async def answer(call: str) -> None:
        if call == "x" and not is_readable:
            raise PermanentError("its detail cannot be understood")

    harness.marketplace.before_answer = answer

    harness.marketplace.set_status("x", SubscriptionStatus.REMOVED)
    await harness.run("ends")
    harness.marketplace.set_status("x", SubscriptionStatus.ACTIVE)
    is_readable = False
    await harness.run("active again")
    unreadable = harness.last_manifest().unreadable
    is_readable = True
    await harness.run("readable")

    assert [(one.id, one.reason) for one in unreadable] == [("x", "its detail cannot be understood")]
    assert harness.last_manifest().unreadable == ()
    assert "x" in {thing.id for thing in harness.last_manifest().things}
