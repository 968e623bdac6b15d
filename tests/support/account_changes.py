"""An account in which seats move while it is read, and what its manifests confirm of them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from marketplace import FakeMarketplace, a_detail, a_product, a_row, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.manifest import ItemSpan
from shared.contracts.vendor_sync import ServiceObserved, VendorAccountRead
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


async def a_settled_harness(mongo: Mongo) -> VendorRunHarness:
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
