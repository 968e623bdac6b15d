"""An account that a complete full run does not know of: its sync service has forgotten it."""

from typing import Any

import pytest
from billing_world import World, a_mapped_world
from manifest_builders import BETA, account_reads
from observation_builders import TENANT, a_finished_run, a_subscription, an_agreement_line

from shared.contracts.base import NoNumber, Outcome, RunKind
from shared.contracts.vendor_sync import SyncVendor
from shared.mongo import Mongo

KNOWN, FORGOTTEN = a_subscription(5), a_subscription(3, id_="s9", account="beta")
REASON = "the run does not know of it, as after a restore of the sync service's database"


async def a_run(world: World, number: int, **more: Any) -> dict[str, Any]:
    """Ends a run that names acme alone; returns how it was closed."""
    revision, run_id = number * 10_000, f"run-{number}"
    await world.ingest(*account_reads([KNOWN], revision=revision, run_id=run_id))
    told = {"run_id": run_id, "first_revision": revision - 5_000, "sync_id": f"sync-{number}"} | more
    await world.run_closer.record([a_finished_run(1, **told)])
    await world.settle()
    [row] = await world.mongo.documents("runs", TENANT).find({"run_id": run_id})
    return row


async def commands(world: World) -> list[SyncVendor]:
    return [SyncVendor.model_validate_json(row["body"]) for row in await world.events(SyncVendor.topic)]


async def numbers(world: World) -> dict[str | None, Any]:
    return {line.vendor_account_id: line.vendor_count for line in await world.stored()}


async def test_a_forgotten_account_is_named_and_everything_is_asked_for_once_more(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, KNOWN, FORGOTTEN, an_agreement_line(5))

    run = await a_run(world, 3)

    assert run["verdict"] == Outcome.PARTIAL
    assert run["unread_accounts"] == [{"account_id": "beta", "reason": REASON}]
    assert [command.republish for command in await commands(world)] == [True]
    assert (await numbers(world))["beta"].number == 3


async def test_what_the_run_that_was_asked_for_does_not_know_either_is_unread_from_then_on(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, KNOWN, FORGOTTEN, an_agreement_line(5))
    await a_run(world, 3)
    [command] = await commands(world)

    again = await a_run(world, 4, sync_id=command.sync_id)
    later = await a_run(world, 5)

    assert (again["verdict"], later["verdict"]) == (Outcome.PARTIAL, Outcome.COMPLETE)
    assert len(await commands(world)) == 1
    left = (await numbers(world)).get("beta")
    assert left is None or left.missing is NoNumber.UNREAD
    assert (await numbers(world))[None].number == 5


async def test_an_account_that_comes_back_is_read_like_any_other(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, KNOWN, FORGOTTEN, an_agreement_line(5))
    await a_run(world, 3)
    [command] = await commands(world)
    await a_run(world, 4, sync_id=command.sync_id)

    await world.ingest(*account_reads([FORGOTTEN], revision=60_000, run_id="run-6"))
    await world.settle()

    assert (await numbers(world))["beta"].number == 3


@pytest.mark.parametrize("told", [{"kind": RunKind.QUICK}, {"outcome": Outcome.PARTIAL}])
async def test_a_run_that_reads_not_all_forgets_nothing(mongo: Mongo, told: dict[str, Any]) -> None:
    world = await a_mapped_world(mongo, KNOWN, FORGOTTEN, an_agreement_line(5))

    run = await a_run(world, 3, **told)

    assert run["unread_accounts"] == []
    assert await commands(world) == []


async def test_an_account_of_which_nothing_was_left_needs_no_manifest_of_every_run(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, KNOWN, an_agreement_line(5))
    await world.ingest(*account_reads([], [BETA], revision=20_000))
    await world.settle()

    assert (await a_run(world, 3))["verdict"] == Outcome.COMPLETE


async def test_an_account_that_a_later_run_has_read_by_now_is_not_forgotten(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, KNOWN, FORGOTTEN, an_agreement_line(5))
    await world.ingest(*account_reads([FORGOTTEN], revision=60_000, run_id="run-6"))
    await world.settle()

    assert (await a_run(world, 3))["verdict"] == Outcome.COMPLETE
