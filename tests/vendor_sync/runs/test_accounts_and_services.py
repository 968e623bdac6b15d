"""Accounts that no list shows, and services that nobody has any more."""

from decimal import Decimal

import pytest
from marketplace import FakeMarketplace, a_detail, a_product, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import ServiceObserved, SubscriptionStatus, VendorAccountObserved
from shared.errors import PermanentError, UnexpectedResponse
from shared.mongo import Mongo
from vendor_sync.marketplace import Customer


@pytest.fixture
def harness(mongo: Mongo) -> VendorRunHarness:
    """c9 has 13 seats and is in no list of customers."""
    marketplace = FakeMarketplace(listed_customers=customers("c1"))
    marketplace.put(an_offer("s1", "offer 1", 4))
    marketplace.put(a_detail(a_row("s9", account_id="c9"), a_product("offer 9", quantity=13)))
    return VendorRunHarness(mongo, marketplace)


def observed(harness: VendorRunHarness, account_id: str) -> list[tuple[str, str, bool]]:
    accounts = [one for one in harness.published(VendorAccountObserved) if one.account_id == account_id]
    return [(one.name, one.status, one.present) for one in accounts]


def services(harness: VendorRunHarness) -> list[tuple[str | None, bool]]:
    return [(one.mpn, one.present) for one in harness.published(ServiceObserved)]


async def test_a_customer_who_is_in_no_list_is_an_account_by_its_number(harness: VendorRunHarness) -> None:
    finished = await harness.run()

    assert observed(harness, "c9") == [("Customer #c9", "unknown", True)]
    assert harness.seats(harness.last_manifest("c9")) == {"offer 9": 13}
    assert (finished.outcome, finished.manifests) == (Outcome.COMPLETE, 2)


async def test_a_customer_who_is_in_no_list_is_asked_for_once_a_run_and_stays(
    harness: VendorRunHarness,
) -> None:
    for sync_id in ("first", "second", "third"):
        harness.marketplace.calls.clear()
        await harness.run(sync_id)
        assert harness.marketplace.calls.count("account c9") == 1

    assert observed(harness, "c9") == [("Customer #c9", "unknown", True)]


async def test_a_customer_who_answers_for_itself_has_its_name(harness: VendorRunHarness) -> None:
    harness.marketplace.unlisted_customers = {"c9": Customer("c9", "Contoso", None, "active")}

    await harness.run()

    assert observed(harness, "c9") == [("Contoso", "active", True)]


async def test_a_customer_takes_its_name_once_a_list_shows_it(harness: VendorRunHarness) -> None:
    await harness.run("first")
    harness.marketplace.listed_customers["c9"] = Customer("c9", "Contoso", None, "active")

    await harness.run("second")

    assert observed(harness, "c9")[-1] == ("Contoso", "active", True)


async def test_a_customer_who_may_not_be_read_is_an_account_all_the_same(harness: VendorRunHarness) -> None:
    async def forbidden(name: str) -> None:
        if name == "account c9":
            raise PermanentError("answered 403", status=403)

    harness.marketplace.before_answer = forbidden
    finished = await harness.run()

    assert observed(harness, "c9") == [("Customer #c9", "unknown", True)]
    assert finished.exceptions == ("account c9 is in no list and could not be read: answered 403",)
    assert finished.outcome is Outcome.COMPLETE


async def test_a_customer_who_left_is_absent_when_nothing_is_left_of_its_subscriptions(
    harness: VendorRunHarness,
) -> None:
    await harness.run("first")
    harness.marketplace.set_status("s9", SubscriptionStatus.REMOVED)
    await harness.run("ended")
    await harness.run("later")

    assert observed(harness, "c9")[-1] == ("Customer #c9", "unknown", False)
    assert harness.last_manifest("c9").things == ()


async def test_a_customer_without_subscriptions_has_an_empty_manifest(harness: VendorRunHarness) -> None:
    harness.marketplace.listed_customers |= customers("empty")

    finished = await harness.run()

    manifest = harness.last_manifest("empty")
    assert (manifest.things, manifest.spans, manifest.unreadable) == ((), (), ())
    assert finished.manifests == 3


async def test_a_service_that_nobody_has_any_more_is_absent_and_comes_back(harness: VendorRunHarness) -> None:
    await harness.run("first")
    harness.marketplace.set_status("s9", SubscriptionStatus.TERMINATED)
    await harness.run("ended")
    assert services(harness)[-1] == ("offer 9", False)

    await harness.run("same")
    assert services(harness).count(("offer 9", False)) == 1

    harness.marketplace.put(a_detail(a_row("s10", account_id="c9"), a_product("offer 9", quantity=2)))
    await harness.run("back")
    assert services(harness)[-1] == ("offer 9", True)
    assert harness.seats(harness.last_manifest("c9")) == {"offer 9": Decimal(2)}


async def test_a_service_stays_while_its_only_subscription_cannot_be_read(harness: VendorRunHarness) -> None:
    await harness.run("first")

    async def odd(name: str) -> None:
        if name == "s9":
            raise UnexpectedResponse("odd")

    harness.marketplace.before_answer = odd
    await harness.run("odd")

    assert (("offer 9", False)) not in services(harness)


@pytest.mark.parametrize("how", ["quick", "short"])
async def test_a_run_that_may_have_missed_something_makes_no_service_absent(
    harness: VendorRunHarness, how: str
) -> None:
    await harness.run("first")
    harness.marketplace.set_status("s9", SubscriptionStatus.TERMINATED)
    if how == "short":
        harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}

    await harness.run("second", RunKind.QUICK if how == "quick" else RunKind.FULL)

    assert (("offer 9", False)) not in services(harness)


async def test_a_service_that_is_given_up_and_bought_again_by_another_keeps_its_id(
    harness: VendorRunHarness,
) -> None:
    await harness.run("first")
    harness.marketplace.put(a_detail(a_row("s9", account_id="c1"), a_product("offer 9", quantity=13)))

    await harness.run("moved")

    assert (("offer 9", False)) not in services(harness)
    assert harness.seats(harness.last_manifest("c1"))["offer 9"] == 13
    assert harness.last_manifest("c9").things == ()
