from decimal import Decimal
from typing import Any

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import (
    NOW,
    PSA,
    VENDOR,
    a_finished_run,
    a_line,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)

from billing.runs.models import Sync
from billing.runs.repository import SyncRepository
from shared.contracts.base import Outcome, RunKind
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.status_channel import RunStatus

COMPLETED = "billing.reconciliation-completed.v1"
JOINT: dict[str, Any] = {"run_id": "run-2", "first_revision": 20, "sync_id": "joint"}


async def start_sync(world: World, sync_id: str = "joint") -> None:
    sync = Sync("t1", sync_id, (VENDOR, PSA), RunKind.FULL, "ann", NOW)
    await SyncRepository(world.mongo, world.outbox).start(sync, [])


async def test_a_run_that_nobody_asked_for_completes_its_own_sync(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    await world.ingest(subscription)

    await world.finish_run()

    assert [row["key"] for row in await world.events(COMPLETED)] == ["t1:sync-1"]


async def test_a_sync_is_complete_once_both_its_runs_are_reconciled(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await start_sync(world)

    await world.finish_run(**JOINT)
    early = [row["key"] for row in await world.events(COMPLETED)]
    await world.finish_run(PSA, **JOINT)

    assert "t1:joint" not in early
    assert [row["key"] for row in await world.events(COMPLETED)].count("t1:joint") == 1


async def test_a_completion_carries_totals_by_class_and_money_by_currency(mongo: Mongo) -> None:
    euro = an_agreement_line(5, id_="add2", product_id="prod2", currency="EUR")
    two = a_subscription(lines=(a_line(7), a_line(1, service="svc2"))), an_agreement_line(5), euro
    await a_mapped_world(mongo, *two, a_mapping("service", "svc2", "prod2"))

    [row] = await mongo.all_tenants("completions").find({"sync_id": "sync-psa"})

    assert row["by_class"] == {"vendor-higher": 1, "psa-higher": 1}
    assert {name: Decimal(amount) for name, amount in row["money"].items()} == {"USD": 40, "EUR": -80}
    assert Decimal(row["coverage"]) == 1


async def test_a_sync_is_as_good_as_the_worst_of_its_runs(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await start_sync(world)

    await world.finish_run(**JOINT)
    await world.finish_run(PSA, **JOINT, outcome=Outcome.PARTIAL)

    [row] = await mongo.all_tenants("completions").find({"sync_id": "joint"})
    assert row["outcome"] == "partial"


async def test_a_run_answers_every_sync_that_joined_it(mongo: Mongo) -> None:
    world = await a_world(mongo)

    await world.run_closer.record([a_finished_run(sync_id="first"), a_finished_run(sync_id="second")])
    await world.settle()

    assert {row["key"] for row in await world.events(COMPLETED)} == {"t1:first", "t1:second"}
    assert {status.sync_id for status in world.status_channel.reported} == {"first", "second"}


async def test_a_sync_that_joins_after_its_run_was_reconciled_completes_too(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.finish_run(sync_id="first")

    await world.finish_run(sync_id="second")

    assert [row["key"] for row in await world.events(COMPLETED)] == ["t1:first", "t1:second"]


async def test_the_outcome_is_broadcast_only_after_the_reconciliation_is_stored(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    await world.run_closer.record([a_finished_run(1)])
    await world.sync_completer.advance()
    early = list(world.status_channel.reported)

    await world.read(subscription)
    await world.settle()

    assert early == []
    assert [(status.run_id, status.outcome) for status in world.status_channel.reported] == [
        ("run-1", Outcome.COMPLETE)
    ]


async def test_the_last_progress_stands_beside_the_outcome(mongo: Mongo) -> None:
    world = await a_world(mongo)
    progress = RunStatus(
        tenant_id="t1",
        integration_id=VENDOR,
        run_id="run-1",
        sync_id="sync-1",
        phase="details",
        done=9,
        total=9,
    )
    await world.status_channel.report(progress)

    await world.finish_run()

    assert (world.status_channel.reported[-1].done, world.status_channel.reported[-1].total) == (9, 9)


async def test_a_broadcast_that_failed_is_made_good_and_made_once(mongo: Mongo) -> None:
    world = await a_world(mongo)
    world.status_channel.failure = TransientError("Redis does not answer")
    with pytest.raises(TransientError):
        await world.finish_run()

    world.status_channel.failure = None
    await world.settle()
    await world.settle()

    assert [status.outcome for status in world.status_channel.reported] == [Outcome.COMPLETE]
    assert len(await world.events(COMPLETED)) == 1


async def test_what_a_flushed_redis_forgot_is_reported_again(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(an_integration(VENDOR))
    await world.finish_run()
    world.status_channel.statuses.clear()

    await world.sync_completer.restore()
    await world.sync_completer.restore()

    assert len(world.status_channel.reported) == 2
    assert world.status_channel.reported[-1].outcome is Outcome.COMPLETE


async def test_a_status_channel_that_is_down_holds_up_no_sync(mongo: Mongo) -> None:
    world = await a_world(mongo)
    world.status_channel.failure = TransientError("Redis does not answer")

    with pytest.raises(TransientError):
        await world.finish_run()

    assert len(await world.events(COMPLETED)) == 1


async def test_a_run_is_broadcast_before_the_next_is_reconciled(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.run_closer.record([a_finished_run(), a_finished_run(run_id="run-2", sync_id="sync-2")])

    await world.run_closer.advance()
    await world.sync_completer.advance()

    assert [status.run_id for status in world.status_channel.reported] == ["run-1"]
