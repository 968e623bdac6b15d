from typing import Any

from billing_world import World, a_mapped_world, a_world
from observation_builders import PSA, VENDOR, a_finished_run, a_mapping, a_subscription, an_agreement_line

from billing.observations.change_notice import ChangeNotice
from billing.runs.models import RunStage
from shared.contracts.base import NoNumber, Outcome, RunKind
from shared.contracts.billing import LineClass
from shared.mongo import Mongo

SECOND = {"run_id": "run-2", "first_revision": 20, "sync_id": "sync-2"}
GONE = a_subscription(7, present=False, revision=20, run_id="run-2", lines=())


async def the_run(world: World, run_id: str = "run-1") -> dict[str, Any]:
    [row] = await world.mongo.all_tenants("runs").find({"run_id": run_id, "integration_id": VENDOR})
    return row


async def test_a_run_stays_open_until_all_that_it_published_is_stored(mongo: Mongo) -> None:
    world = await a_world(mongo)
    first, second = a_subscription(1), a_subscription(2, id_="s2")
    await world.ingest(first)

    await world.finish_run(first, second)
    early = (await the_run(world))["state"]
    await world.ingest(second)
    await world.settle()

    assert early == RunStage.HEARD
    assert (await the_run(world))["state"] == RunStage.RECONCILED


async def test_a_thing_that_was_observed_again_since_still_counts(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    await world.ingest(subscription, a_subscription(2, revision=99, run_id="run-2"))

    await world.finish_run(subscription)

    assert (await the_run(world))["verdict"] == Outcome.COMPLETE


async def test_a_run_that_misses_something_is_closed_as_partial_after_the_deadline(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.finish_run(a_subscription(1))

    world.advance(minutes=10)
    await world.settle()

    assert (await the_run(world))["verdict"] == Outcome.PARTIAL


async def test_the_deadline_starts_again_while_observations_keep_coming(mongo: Mongo) -> None:
    world = await a_world(mongo)
    seen = [a_subscription(1, id_=f"s{place}") for place in range(3)]
    await world.finish_run(*seen)

    for subscription in seen[:2]:
        world.advance(minutes=8)
        await world.ingest(subscription)
        await world.settle()

    assert (await the_run(world))["state"] == RunStage.HEARD


async def test_a_partial_run_makes_nothing_absent(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.ingest(GONE)
    await world.finish_run(GONE, outcome=Outcome.PARTIAL, **SECOND)

    assert (await world.line()).line_class is LineClass.IN_STEP


async def test_an_absence_takes_effect_when_its_run_is_closed_and_not_before(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.ingest(GONE)
    await world.reconcile()
    before = await world.line()
    await world.finish_run(GONE, **SECOND)

    assert before.line_class is LineClass.IN_STEP
    after = await world.line()
    assert after.line_class is LineClass.ENDED_STILL_BILLED
    assert after.vendor_count.missing is NoNumber.ABSENT


async def test_an_absence_seen_by_a_partial_run_takes_effect_with_the_next_complete_one(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    await world.ingest(GONE)
    await world.finish_run(GONE, outcome=Outcome.FAILED, **SECOND)

    await world.finish_run(run_id="run-3", first_revision=30, sync_id="sync-3")

    assert (await world.line()).line_class is LineClass.ENDED_STILL_BILLED


async def test_a_complete_full_run_makes_stale_lines_fresh_again(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    world.advance(days=8)
    await world.queue.enqueue_refs("t1", [(await world.line()).account])
    await world.reconcile()
    stale = await world.line()

    again = SECOND | {"started_at": world.now, "finished_at": world.now}
    await world.finish_run(**again)
    await world.finish_run(**again, integration_id=PSA)

    assert stale.line_class is LineClass.NO_VERDICT
    assert (await world.line()).line_class is LineClass.IN_STEP


async def test_a_complete_run_makes_unchanged_lines_younger_without_publishing_them(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    published = len(await world.events("billing.usage-line-changed.v1"))
    world.advance(days=2)

    await world.finish_run(**SECOND, started_at=world.now, finished_at=world.now)

    assert (await world.line()).vendor_count.as_of == world.now
    assert len(await world.events("billing.usage-line-changed.v1")) == published


async def test_nothing_is_reconciled_while_older_work_waits(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    await world.ingest(subscription)
    await world.run_closer.record([a_finished_run([subscription])])

    for _ in range(3):
        await world.run_closer.advance()
    waiting = (await the_run(world))["state"]
    await world.settle()

    assert waiting == RunStage.CLOSED
    assert (await the_run(world))["state"] == RunStage.RECONCILED


async def test_a_row_that_is_stored_but_not_enqueued_yet_is_waited_for(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    await world.observed.store("t1", [ChangeNotice.of(subscription)])

    await world.finish_run(subscription)
    early = (await the_run(world))["state"]
    await world.ingest(subscription)
    await world.settle()

    assert early == RunStage.HEARD
    assert (await the_run(world))["totals"]["by_class"] == {"unmapped": 1}


async def test_work_enqueued_by_a_clock_that_is_ahead_is_waited_for(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    world.advance(minutes=5)
    await world.ingest(subscription)
    world.advance(minutes=-5)
    await world.run_closer.record([a_finished_run([subscription])])

    await world.run_closer.advance()
    await world.run_closer.advance()
    waiting = (await the_run(world))["state"]
    await world.settle()

    assert waiting == RunStage.CLOSED
    assert (await the_run(world))["totals"]["by_class"] == {"unmapped": 1}


async def test_what_was_mapped_before_the_end_is_in_the_reconciliation(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    subscription = a_subscription(9, revision=20, run_id="run-2")
    await world.ingest(subscription, a_mapping("service", "svc1", None, revision=2))

    await world.finish_run(subscription, **SECOND)

    run = await the_run(world, "run-2")
    assert run["totals"] == {"by_class": {"excluded": 1}, "money": {}, "coverage": "0", "unsummed": 0}


async def test_the_end_of_a_run_delivered_twice_changes_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await the_run(world)

    await world.finish_run(a_subscription(7))

    assert await the_run(world) == before


async def test_an_older_run_that_is_closed_late_takes_nothing_back(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    await world.ingest(GONE)
    late = a_finished_run([], run_id="run-0", first_revision=0, published={GONE.topic: 9}, kind=RunKind.FULL)
    await world.run_closer.record([late])
    await world.finish_run(GONE, **SECOND)

    for place in range(8):
        await world.ingest(a_subscription(0, id_=f"late{place}"))
    await world.settle()

    covered = (await world.lines._coverages.of_tenant("t1"))[VENDOR]  # noqa: SLF001  what the test is about
    assert covered.complete
    assert covered.complete.run_id == "run-2"
