"""A run is a share of all there is, also while lines wait to be calculated."""

import pytest
from billing_world import World, a_world
from fed_world import held_runs
from observation_builders import VENDOR, a_subscription, an_integration

from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Mongo

ACCOUNTS = [f"acc{n}" for n in range(12)]


def of_account(account: str, quantity: int, revision: int) -> SubscriptionObserved:
    return a_subscription(quantity, id_=f"sub-{account}", account=account, revision=revision)


async def apply_only(world: World, run_id: str, *news: SubscriptionObserved) -> None:
    """The run's manifests of these accounts count; no line is calculated."""
    await world.ingest(*news)
    accounts = {one.account_id for one in news}
    parts = world.manifests_of(VENDOR, run_id=run_id)
    await world.ingest(*(part for part in parts if part.account_id in accounts))
    await world.apply()


@pytest.mark.parametrize(("vanishing", "held"), [(2, []), (11, ["run-2"]), (12, ["run-2"])])
async def test_lines_that_wait_to_be_calculated_are_lines(
    mongo: Mongo, vanishing: int, held: list[str]
) -> None:
    world = await a_world(mongo)
    await world.ingest(an_integration(VENDOR))
    await apply_only(world, "run-1", *(of_account(account, 10, 10) for account in ACCOUNTS))

    await apply_only(world, "run-2", *(of_account(account, 0, 20_000) for account in ACCOUNTS[:vanishing]))

    assert await held_runs(world) == held


async def test_lines_that_are_stored_and_wait_to_be_calculated_again_are_counted_once(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(an_integration(VENDOR))
    accounts = [f"acc{n}" for n in range(45)]
    await apply_only(world, "run-1", *(of_account(account, 10, 10) for account in accounts))
    await world.reconcile()
    await world.ingest(an_integration(VENDOR, revision=2, name="renamed"))

    # Ten of 45 are more than a fifth; were the other 35 counted twice they would be less.
    await apply_only(world, "run-2", *(of_account(account, 0, 20_000) for account in accounts[:10]))

    assert await held_runs(world) == ["run-2"]
