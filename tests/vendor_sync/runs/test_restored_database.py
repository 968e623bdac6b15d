"""vendor-sync's database was restored: what a reader needs to notice it, and to be right all the same."""

from collections.abc import AsyncIterator

import pytest
from account_changes import seats
from database_copies import RestorableMongo
from marketplace import FakeMarketplace, customers
from vendor_runs import VendorRunHarness

from shared.contracts import Observation
from shared.contracts.base import Outcome
from shared.contracts.vendor_sync import VendorAccountRead
from shared.runtime.settings import MongoSettings


@pytest.fixture
async def store(mongo_settings: MongoSettings) -> AsyncIterator[RestorableMongo]:
    store = RestorableMongo(mongo_settings)
    yield store
    await store.close()


@pytest.fixture
async def harness(store: RestorableMongo) -> VendorRunHarness:
    """Two runs have agreed on all there is."""
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(seats("x", 10), seats("b", 7, account_id="c2"))
    harness = VendorRunHarness(store, marketplace)
    await harness.run("first")
    await harness.run("second")
    return harness


def revisions(harness: VendorRunHarness) -> list[int]:
    """Those of all that was published since `begin_anew`."""
    told = harness.publisher.messages[harness.seen :]
    return [one.revision for one in told if isinstance(one, Observation | VendorAccountRead)]


async def test_no_revision_is_told_twice_and_the_newer_ones_are_larger(
    harness: VendorRunHarness, store: RestorableMongo
) -> None:
    copy = await store.copy()
    harness.marketplace.put(seats("x", 12))
    harness.begin_anew()
    await harness.run("third")
    lost = revisions(harness)
    await store.restore(copy)
    harness.begin_anew()

    ended = await harness.run("fourth")

    assert ended.outcome is Outcome.COMPLETE
    assert min(revisions(harness)) > max(lost)
    assert harness.seats(harness.last_manifest()) == {"M": 12}


async def test_a_number_that_is_again_what_the_copy_says_is_named_by_the_older_observation(
    harness: VendorRunHarness, store: RestorableMongo
) -> None:
    """A reader that has the newer one sees that it was forgotten: it would have been told of a change."""
    copy = await store.copy()
    before = harness.last_observed("x").revision
    harness.marketplace.put(seats("x", 12))
    await harness.run("third")
    forgotten = harness.last_observed("x").revision
    harness.marketplace.put(seats("x", 10))
    await store.restore(copy)
    harness.begin_anew()

    await harness.run("fourth")

    [named] = harness.last_manifest().things
    assert named.revision == before < forgotten < named.read_revision


async def test_a_run_that_had_ended_since_the_backup_ends_once_more_and_says_the_same(
    harness: VendorRunHarness, store: RestorableMongo
) -> None:
    await harness.queue("third")
    copy = await store.copy()
    await harness.worker().step()
    first_end = await harness.last_finished()
    await store.restore(copy)
    harness.begin_anew()

    await harness.worker().step()

    second_end = await harness.last_finished()
    assert (second_end.run_id, second_end.sync_id) == (first_end.run_id, "third")
    assert second_end.first_revision > first_end.first_revision
    assert harness.seats(harness.last_manifest()) == {"M": 10}
