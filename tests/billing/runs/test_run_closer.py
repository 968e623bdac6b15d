from typing import Any

from billing_world import World, a_mapped_world, a_world
from manifest_builders import account_reads
from observation_builders import PSA, VENDOR, a_finished_run, a_mapping, a_subscription, an_agreement_line

from billing.runs.models import RunStage
from shared.contracts.base import NoNumber, Outcome
from shared.contracts.billing import LineClass
from shared.mongo import Mongo

SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 20, "sync_id": "sync-2"}
GONE = a_subscription(7, present=False, revision=20, run_id="run-2", lines=())


async def the_run(world: World, run_id: str = "run-1", integration_id: str = VENDOR) -> dict[str, Any]:
    [row] = await world.mongo.all_tenants("runs").find({"run_id": run_id, "integration_id": integration_id})
    return row


async def test_a_run_stays_open_until_all_its_manifests_count(mongo: Mongo) -> None:
    world = await a_world(mongo)
    first, second = a_subscription(1), a_subscription(2, id_="s2", account="beta")
    await world.ingest(first, *account_reads([first, second]))
    await world.run_closer.record([a_finished_run(2)])
    await world.settle()

    early = (await the_run(world))["state"]
    await world.ingest(second)
    world.advance(seconds=1)
    await world.settle()

    assert early == RunStage.HEARD
    assert (await the_run(world))["state"] == RunStage.RECONCILED


async def test_a_manifest_that_a_later_run_overtook_still_counts_for_its_own(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    [older] = account_reads([subscription], revision=2_000)
    [newer] = account_reads([subscription], revision=3_000, run_id="run-2")
    await world.ingest(subscription, older, newer)

    await world.run_closer.record([a_finished_run(1)])
    await world.settle()

    assert (await the_run(world))["verdict"] == Outcome.COMPLETE


async def test_a_later_runs_manifest_stands_in_for_none_that_is_still_travelling(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    [later] = account_reads([subscription], revision=3_000, run_id="run-2")
    await world.ingest(subscription, later)

    await world.run_closer.record([a_finished_run(1)])
    await world.settle()

    assert (await the_run(world))["state"] == RunStage.HEARD


async def test_a_read_back_stands_in_for_no_observation_that_is_still_travelling(mongo: Mongo) -> None:
    world = await a_world(mongo)
    travelling = an_agreement_line(5, revision=10)
    written = an_agreement_line(7, revision=3_000, read_back=True, run_id="write-1")
    await world.ingest(written, *account_reads([travelling]))

    await world.run_closer.record([a_finished_run(1, integration_id=PSA)])
    await world.settle()
    early = (await the_run(world, integration_id=PSA))["state"]
    await world.ingest(travelling)
    world.advance(seconds=1)
    await world.settle()

    assert early == RunStage.HEARD
    assert (await the_run(world, integration_id=PSA))["verdict"] == Outcome.COMPLETE


async def test_the_second_manifest_of_an_account_in_one_run_is_waited_for(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    [first] = account_reads([subscription], revision=2_000)
    await world.ingest(subscription, first)
    await world.run_closer.record([a_finished_run(2)])
    await world.settle()
    early = (await the_run(world))["state"]

    await world.ingest(*account_reads([subscription], revision=3_000, nth=2))
    await world.settle()

    assert early == RunStage.HEARD
    assert (await the_run(world))["verdict"] == Outcome.COMPLETE


async def test_a_run_that_misses_something_is_closed_as_partial_and_says_which_account(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(*account_reads([a_subscription(1)]))  # the subscription itself never comes
    await world.run_closer.record([a_finished_run(1)])
    await world.settle()

    world.advance(minutes=10)
    await world.settle()

    run = await the_run(world)
    assert run["verdict"] == Outcome.PARTIAL
    assert [account["account_id"] for account in run["unread_accounts"]] == ["acme"]


async def test_the_deadline_starts_again_while_manifests_keep_coming(mongo: Mongo) -> None:
    world = await a_world(mongo)
    seen = [a_subscription(1, id_=f"s{place}", account=f"a{place}") for place in range(3)]
    await world.ingest(*seen)
    await world.run_closer.record([a_finished_run(3)])
    await world.settle()

    for subscription in seen[:2]:
        world.advance(minutes=8)
        await world.ingest(*account_reads([subscription], read_at=world.now))
        await world.settle()

    assert (await the_run(world))["state"] == RunStage.HEARD


async def test_nothing_that_is_only_observed_counts(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.ingest(a_subscription(9, revision=20_000, run_id="run-2"))
    await world.settle()

    assert (await world.line()).line_class is LineClass.IN_STEP


async def test_an_absence_takes_effect_with_the_manifest_that_names_the_thing_no_more(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.ingest(GONE)
    await world.settle()
    before = await world.line()
    await world.finish_run(**SECOND)

    assert before.line_class is LineClass.IN_STEP
    after = await world.line()
    assert after.line_class is LineClass.ENDED_STILL_BILLED
    assert after.vendor_count.missing is NoNumber.ABSENT


async def test_the_manifests_of_a_run_that_gave_up_count_for_their_accounts(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    await world.ingest(GONE)

    await world.finish_run(outcome=Outcome.PARTIAL, **SECOND)

    assert (await world.line()).line_class is LineClass.ENDED_STILL_BILLED


async def test_a_complete_full_run_makes_stale_lines_fresh_again(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    world.advance(days=8)
    await world.queue.enqueue_refs("t1", [(await world.line()).account])
    await world.reconcile()
    stale = await world.line()

    again: dict[str, Any] = SECOND | {"started_at": world.now, "finished_at": world.now}
    await world.finish_run(**again)
    await world.finish_run(PSA, **again)

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
    await world.ingest(subscription, *account_reads([subscription]))
    await world.applier.step()
    await world.run_closer.record([a_finished_run(1)])

    for _ in range(3):
        await world.run_closer.advance()
    waiting = (await the_run(world))["state"]
    await world.settle()

    assert waiting == RunStage.CLOSED
    assert (await the_run(world))["totals"]["by_class"] == {"unmapped": 1}


async def test_work_enqueued_by_a_clock_that_is_ahead_is_waited_for(mongo: Mongo) -> None:
    world = await a_world(mongo)
    subscription = a_subscription(1)
    world.advance(minutes=5)
    await world.ingest(subscription, *account_reads([subscription]))
    await world.applier.step()
    world.advance(minutes=-5)
    await world.run_closer.record([a_finished_run(1)])

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

    await world.finish_run(**SECOND)

    run = await the_run(world, "run-2")
    assert run["totals"] == {"by_class": {"excluded": 1}, "money": {}, "coverage": "0", "unsummed": 0}


async def test_the_end_of_a_run_delivered_twice_changes_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await the_run(world)

    await world.run_closer.record([a_finished_run(1)])
    await world.settle()

    assert await the_run(world) == before
