"""psa-sync's database was restored: what a reader needs to notice it, and to be right all the same."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from database_copies import RestorableMongo
from psa import a_line
from psa_runs import PsaRunHarness

from shared.contracts import Observation
from shared.contracts.base import Outcome
from shared.contracts.manifest import ThingRead
from shared.contracts.psa_sync import PsaAccountRead
from shared.runtime.settings import MongoSettings

ACME = "19297"
"""The company of all agreements of the fake PSA."""


@pytest.fixture
async def store(mongo_settings: MongoSettings) -> AsyncIterator[RestorableMongo]:
    store = RestorableMongo(mongo_settings)
    yield store
    await store.close()


@pytest.fixture
async def harness(store: RestorableMongo) -> PsaRunHarness:
    """Two runs have agreed on all there is."""
    harness = PsaRunHarness(store)
    await harness.run()
    await harness.run()
    return harness


def revisions(harness: PsaRunHarness) -> list[int]:
    """Those of all that the last run published."""
    told = harness.publisher.messages
    return [one.revision for one in told if isinstance(one, Observation | PsaAccountRead)]


def named(harness: PsaRunHarness) -> ThingRead:
    """Returns how the last run's manifest names line 901."""
    [thing] = [thing for thing in harness.manifests()[ACME].things if thing.id == "901"]
    return thing


async def test_no_revision_is_told_twice_and_the_newer_ones_are_larger(
    harness: PsaRunHarness, store: RestorableMongo
) -> None:
    copy = await store.copy()
    harness.psa.held_lines["901"] = a_line("901", "12")
    await harness.run()
    lost = revisions(harness)
    await store.restore(copy)

    ended = await harness.run()

    assert ended.outcome is Outcome.COMPLETE
    assert min(revisions(harness)) > max(lost)
    assert (await harness.quantities(ACME))["901"] == Decimal(12)


async def test_a_number_that_is_again_what_the_copy_says_is_named_by_the_older_observation(
    harness: PsaRunHarness, store: RestorableMongo
) -> None:
    """A reader that has the newer one sees that it was forgotten: it would have been told of a change."""
    copy, before, held = await store.copy(), named(harness).revision, harness.psa.held_lines["901"]
    harness.psa.held_lines["901"] = a_line("901", "12")
    await harness.run()
    forgotten = named(harness).revision
    harness.psa.held_lines["901"] = held
    await store.restore(copy)

    await harness.run()

    assert named(harness).revision == before < forgotten < named(harness).read_revision
