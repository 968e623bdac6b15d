"""A database that was restored is noticed, said, and healed by a run that publishes everything again."""

import json
from typing import Any

from billing_world import World, a_mapped_world
from database_copies import RestorableMongo
from manifest_builders import account_reads
from observation_builders import PSA, TENANT, VENDOR, a_finished_run, a_subscription, an_agreement_line

from shared.contracts.base import Outcome, SyncRequested
from shared.contracts.billing import UsageLineChanged
from shared.contracts.psa_sync import SyncPsa
from shared.contracts.vendor_sync import SyncVendor
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings

SECOND: dict[str, Any] = {"run_id": "run-2", "first_revision": 25_000, "sync_id": "sync-2"}


async def test_a_sync_service_that_forgot_what_it_published_is_asked_to_publish_all_again(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    await world.read(a_subscription(7, revision=20_000))  # which the sync service forgets

    # It is 5 again, as in the copy that was restored, so nothing is published.
    await end_run(world, account_reads([a_subscription(5)], revision=30_000, run_id="run-2"))

    [command] = await commands(world)
    assert (command.integration_id, command.republish) == (VENDOR, True)
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL
    assert (await world.line()).vendor_count.number == 5


async def test_what_a_run_shows_that_ended_long_ago_is_asked_for_by_the_next(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    await world.read(a_subscription(7, revision=20_000))
    # In the copy that was restored run-1 was still going on: it ends once more, and billing has closed it.
    await world.ingest(*account_reads([a_subscription(5)], revision=30_000, run_id="run-1"))
    await world.settle()

    await end_run(world, account_reads([a_subscription(5)], revision=40_000, run_id="run-2"))

    assert [command.republish for command in await commands(world)] == [True]
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL


async def test_what_billing_has_lost_is_asked_for_once(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    lost = a_subscription(3, id_="lost", revision=20_000)

    await end_run(world, account_reads([a_subscription(5), lost], revision=30_000, run_id="run-2"))
    early = len(await commands(world))
    world.advance(minutes=10)
    await world.settle()
    await world.settle()

    assert (early, len(await commands(world))) == (0, 1)
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL


async def test_a_run_that_publishes_all_again_heals_it_and_asks_for_nothing_more(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    lost = a_subscription(3, id_="lost", revision=20_000)
    await end_run(world, account_reads([a_subscription(5), lost], revision=30_000, run_id="run-2"))
    world.advance(minutes=10)
    await world.settle()
    [command] = await commands(world)

    again = a_subscription(5, revision=40_000), a_subscription(3, id_="lost", revision=40_001)
    await world.ingest(*again, *account_reads(again, revision=50_000, run_id="run-3"))
    ended = a_finished_run(1, run_id="run-3", first_revision=35_000, sync_id=command.sync_id)
    await world.run_closer.record([ended])
    await world.settle()

    assert (await the_run(world, "run-3"))["verdict"] == Outcome.COMPLETE
    assert (await world.line()).vendor_count.number == 8
    assert len(await commands(world)) == 1


async def test_a_run_that_was_asked_for_in_vain_asks_for_no_other(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    lost = a_subscription(3, id_="lost", revision=20_000)

    await world.ingest(*account_reads([lost], revision=30_000, run_id="run-2"))
    await world.run_closer.record([a_finished_run(1, **(SECOND | {"sync_id": "again_1"}))])
    world.advance(minutes=10)
    await world.settle()

    assert await commands(world) == []


async def test_a_manifest_of_a_later_run_with_an_older_revision_is_said_to_have_gone_back(
    mongo: Mongo,
) -> None:
    """It cannot count; a run that reads it as old news would be complete, and the number wrong."""
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    world.advance(hours=2)
    again = a_subscription(3, revision=200)

    late: dict[str, Any] = {"revision": 300, "run_id": "run-2", "read_at": world.now}
    await end_run(world, [again, *account_reads([again], **late)], manifests=1)

    assert (await the_run(world))["verdict"] == Outcome.PARTIAL
    assert [command.republish for command in await commands(world)] == [True]
    assert (await world.line()).vendor_count.number == 5


async def test_a_psa_sync_that_forgot_our_own_write_is_asked_to_publish_all_again(mongo: Mongo) -> None:
    """Somebody has set the line back to 5, as the copy that was restored has it: nothing is published."""
    world = await a_world_with_a_read_back(mongo)

    await end_run(world, account_reads([an_agreement_line(5)], revision=30_000, run_id="run-2"), PSA)

    [command] = await commands(world, SyncPsa)
    assert (command.integration_id, command.republish) == (PSA, True)
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL
    assert (await world.line()).psa_count.number == 5


async def test_a_psa_sync_that_read_the_line_before_our_write_has_forgotten_nothing(mongo: Mongo) -> None:
    world = await a_world_with_a_read_back(mongo)
    [part] = account_reads([an_agreement_line(5)], revision=30_000, run_id="run-2")
    [thing] = part.things
    early = thing.model_copy(update={"read_revision": 900})

    await end_run(world, [part.model_copy(update={"things": (early,)})], PSA)

    assert await commands(world, SyncPsa) == []
    assert (await the_run(world))["verdict"] == Outcome.COMPLETE
    assert (await world.line()).psa_count.number == 7


async def test_a_manifest_that_was_read_earlier_and_comes_late_has_not_gone_back(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    before = world.now
    world.advance(hours=2)
    await world.ingest(*world.manifests_of(run_id="run-3"))
    await world.settle()

    late: dict[str, Any] = {"revision": 300, "run_id": "run-2", "read_at": before}
    await end_run(world, account_reads([a_subscription(5)], **late), manifests=1)

    assert (await the_run(world))["verdict"] == Outcome.COMPLETE
    assert await commands(world) == []


async def test_billing_that_was_restored_says_what_the_topics_keep_no_more_and_is_healed(
    mongo_settings: MongoSettings,
) -> None:
    """Compaction has left the newest observation alone, which the newest manifest does not name yet."""
    store = RestorableMongo(mongo_settings)
    world = await a_mapped_world(store, a_subscription(5), an_agreement_line(5))
    copy = await store.copy()
    named, newest = a_subscription(7, revision=20_000), a_subscription(9, revision=35_000)
    manifest = account_reads([named], revision=30_000, run_id="run-2")
    await end_run(world, [named, *manifest, newest], manifests=1)
    before = (await world.line()).vendor_count.number
    await store.restore(copy)

    await end_run(world, [newest, *manifest], manifests=1)
    world.advance(minutes=10)
    await world.settle()
    run, [command] = await the_run(world), await commands(world)
    again = a_subscription(9, revision=40_000)
    await world.ingest(again, *account_reads([again], revision=50_000, run_id="run-3"))
    ended = a_finished_run(1, run_id="run-3", first_revision=36_000, sync_id=command.sync_id)
    await world.run_closer.record([ended])
    await world.settle()

    assert before == 7
    assert (run["verdict"], command.republish) == (Outcome.PARTIAL, True)
    assert [account["account_id"] for account in run["unread_accounts"]] == ["acme"]
    assert (await the_run(world, "run-3"))["verdict"] == Outcome.COMPLETE
    assert (await world.line()).vendor_count.number == 9
    await store.close()


async def test_a_line_of_a_restored_database_is_announced_above_what_was_announced_before(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, a_subscription(5), an_agreement_line(5))
    backup = await mongo.documents("usage_lines", TENANT).find({})
    for number in (6, 7, 8):
        world.advance(minutes=1)
        await world.read(a_subscription(number, revision=20_000 + number))
        await world.reconcile()

    await restore_lines(mongo, backup)
    world.advance(minutes=1)
    await world.read(a_subscription(9, revision=30_000))
    await world.reconcile()

    revisions = [json.loads(row["body"])["revision"] for row in await world.events(UsageLineChanged.topic)]
    assert revisions == sorted(set(revisions))


async def restore_lines(mongo: Mongo, backup: list[dict[str, Any]]) -> None:
    await mongo.documents("usage_lines", TENANT).remove({})
    await mongo.documents("usage_lines", TENANT).insert_new(backup)


async def a_world_with_a_read_back(mongo: Mongo) -> World:
    """Five were billed, and seven are since we wrote them."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.ingest(an_agreement_line(7, revision=world.revision + 10, read_back=True))
    await world.settle()
    assert (await world.line()).psa_count.number == 7
    return world


async def end_run(
    world: World, news: list[Any], integration_id: str = VENDOR, *, manifests: int | None = None
) -> None:
    await world.ingest(*news)
    ended = a_finished_run(manifests or len(news), integration_id=integration_id, **SECOND)
    await world.run_closer.record([ended])
    await world.settle()


async def commands(world: World, kind: type[SyncRequested] = SyncVendor) -> list[SyncRequested]:
    return [kind.model_validate_json(row["body"]) for row in await world.events(kind.topic)]


async def the_run(world: World, run_id: str = "run-2") -> dict[str, Any]:
    [row] = await world.mongo.documents("runs", TENANT).find({"run_id": run_id})
    return row
