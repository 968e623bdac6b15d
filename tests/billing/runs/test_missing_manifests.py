"""Manifests that come late, or never: the run says which account it is short of, and nothing is lost."""

from typing import Any

import pytest
from billing_world import World, a_mapped_world, a_world
from manifest_builders import account_reads
from observation_builders import (
    TENANT,
    a_finished_run,
    a_subscription,
    a_vendor_account,
    an_agreement_line,
)

from billing.runs.models import RunStage
from shared.contracts.base import Outcome, RunKind
from shared.mongo import Mongo

SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 15_000, "sync_id": "sync-2"}
CHANGED = a_subscription(4, revision=20_000)
NEVER_CAME = {"account_id": "beta", "reason": "no manifest of it has arrived"}


async def the_run(world: World) -> dict[str, Any]:
    [row] = await world.mongo.documents("runs", TENANT).find({"run_id": "run-2"})
    return row


async def give_up(world: World) -> dict[str, Any]:
    """Lets the patience with the run pass; returns how it is closed."""
    world.advance(minutes=10)
    await world.settle()
    return await the_run(world)


@pytest.mark.parametrize("outcome", [Outcome.COMPLETE, Outcome.PARTIAL, Outcome.FAILED])
async def test_a_manifest_that_comes_after_its_run_was_closed_counts(mongo: Mongo, outcome: Outcome) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    await world.run_closer.record([a_finished_run(1, outcome=outcome, **SECOND)])
    closed = await give_up(world)

    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.settle()

    assert (await world.line()).vendor_count.number == 4
    assert (await the_run(world))["verdict"] == closed["verdict"] != Outcome.COMPLETE


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.FAILED])
async def test_what_a_run_that_did_not_end_well_has_read_counts(mongo: Mongo, outcome: Outcome) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.run_closer.record([a_finished_run(1, outcome=outcome, **SECOND)])
    await world.settle()

    assert (await the_run(world))["verdict"] == outcome
    assert (await world.line()).vendor_count.number == 4


async def test_the_end_of_a_run_may_come_before_all_that_it_read(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.run_closer.record([a_finished_run(1, **SECOND)])
    await world.settle()
    early = (await the_run(world))["state"]
    await world.ingest(*account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.settle()
    between = (await the_run(world))["state"]
    await world.ingest(CHANGED)
    world.advance(seconds=30)
    await world.settle()

    assert (early, between) == (RunStage.HEARD, RunStage.HEARD)
    assert (await the_run(world))["verdict"] == Outcome.COMPLETE
    assert (await world.line()).vendor_count.number == 4


async def test_a_run_of_which_a_manifest_became_a_dead_letter_names_the_account(mongo: Mongo) -> None:
    world = await two_accounts(mongo)

    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.run_closer.record([a_finished_run(2, **SECOND)])
    await world.settle()
    early = (await the_run(world))["state"]
    closed = await give_up(world)

    assert early == RunStage.HEARD
    assert (closed["verdict"], closed["unread_accounts"]) == (Outcome.PARTIAL, [NEVER_CAME])


async def test_patience_is_counted_from_the_last_manifest_that_came(mongo: Mongo) -> None:
    world = await two_accounts(mongo)
    await world.run_closer.record([a_finished_run(2, **SECOND)])
    await world.settle()

    world.advance(minutes=9)
    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.settle()
    world.advance(minutes=9)
    await world.settle()

    assert (await the_run(world))["state"] == RunStage.HEARD
    assert (await give_up(world))["unread_accounts"] == [NEVER_CAME]


async def test_an_account_of_a_first_run_is_named_that_was_observed_alone(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(a_vendor_account("acme"), a_vendor_account("beta"))
    await world.ingest(a_vendor_account("gone", present=False))

    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.run_closer.record([a_finished_run(2, **SECOND)])

    assert (await give_up(world))["unread_accounts"] == [NEVER_CAME]


@pytest.mark.parametrize("told", [{"kind": RunKind.QUICK}, {"outcome": Outcome.PARTIAL}])
async def test_of_a_run_that_reads_not_all_no_account_is_guessed(mongo: Mongo, told: dict[str, Any]) -> None:
    world = await two_accounts(mongo)

    await world.ingest(CHANGED, *account_reads([CHANGED], revision=30_000, run_id="run-2"))
    await world.run_closer.record([a_finished_run(2, **SECOND, **told)])

    closed = await give_up(world)
    assert (closed["verdict"], closed["unread_accounts"]) == (Outcome.PARTIAL, [])


async def two_accounts(mongo: Mongo) -> World:
    world = await a_mapped_world(
        mongo, a_subscription(7), a_subscription(3, id_="s9", account="beta"), an_agreement_line(7)
    )
    await world.ingest(a_vendor_account("acme"), a_vendor_account("beta"))
    await world.settle()
    return world
