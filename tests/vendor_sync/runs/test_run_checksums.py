"""The end of a complete run carries the checksums of all that is stated by then; no other run does."""

import pytest
from marketplace import FakeMarketplace, an_offer, customers
from vendor_runs import VendorRunHarness

from shared.contracts.base import Observation, RunKind
from shared.contracts.topic_checksum import ChecksumSum, TopicChecksum
from shared.contracts.vendor_sync import ServiceObserved, SubscriptionStatus, VendorAccountObserved
from shared.mongo import Mongo


@pytest.fixture
def harness(mongo: Mongo) -> VendorRunHarness:
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(an_offer("s1", "offer 1", 4))
    marketplace.put(an_offer("s2", "offer 2", 5))
    return VendorRunHarness(mongo, marketplace)


def checksum_of(harness: VendorRunHarness, model: type[Observation]) -> TopicChecksum:
    """Returns what a reader of the topic comes to: the newest message of each key."""
    revisions = dict[str, int]()
    for message in harness.published(model):
        revisions[message.key] = max(message.revision, revisions.get(message.key, 0))
    checksum = ChecksumSum(model.topic)
    for key, revision in revisions.items():
        checksum.add(key, revision)
    return checksum.result


@pytest.mark.parametrize("kind", RunKind)
async def test_a_complete_run_vouches_for_everything_stated_also_by_the_runs_before(
    harness: VendorRunHarness, kind: RunKind
) -> None:
    first = await harness.run("first")
    before = tuple(checksum_of(harness, model) for model in (VendorAccountObserved, ServiceObserved))
    harness.marketplace.listed_customers = customers("c1", "c2", "c3")
    harness.marketplace.put(an_offer("s3", "offer 3", 6))

    second = await harness.run("second", kind)

    after = tuple(checksum_of(harness, model) for model in (VendorAccountObserved, ServiceObserved))
    assert (first.checksums, second.checksums) == (before, after)
    assert [checksum.things for checksum in after] == [3, 3]


async def test_a_run_in_which_nothing_changed_has_the_checksums_of_the_run_before(
    harness: VendorRunHarness,
) -> None:
    first = await harness.run("first")

    assert (await harness.run("second")).checksums == first.checksums


async def test_what_is_gone_is_stated_as_well(harness: VendorRunHarness) -> None:
    await harness.run("first")
    harness.marketplace.listed_customers = customers("c1")

    second = await harness.run("second")

    assert second.checksums[0] == checksum_of(harness, VendorAccountObserved)
    assert second.checksums[0].things == 2


async def test_a_partial_run_vouches_for_nothing(harness: VendorRunHarness) -> None:
    harness.marketplace.short_lists = {SubscriptionStatus.ACTIVE}

    assert (await harness.run()).checksums == ()
