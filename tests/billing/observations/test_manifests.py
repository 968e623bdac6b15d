"""What becomes of manifests that come early, late, twice, in parts, or of another connection."""

from typing import Any

from billing_world import a_mapped_world, a_world
from manifest_builders import ACME, LISTED, a_span, account_reads, an_account_read
from observation_builders import TENANT, VENDOR, a_subscription, an_agreement_line, an_integration
from second_run import waiting_parts

from billing.observations.manifest_repository import ManifestRepository
from billing.observations.manifests import NOTHING_NEW, decide_manifests
from billing.usage.manifest_reader import PARTS, ManifestReader
from billing.usage.recalculation_queue import RecalculationQueue
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.mongo import Mongo

NEWER = LISTED + 500


async def test_a_manifest_waits_for_everything_that_it_names(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    changed, added = a_subscription(4, revision=20_000), a_subscription(3, id_="sub2", revision=20_001)

    await world.ingest(changed, *account_reads([changed, added], revision=30_000))
    await world.settle()
    early = await world.line()
    await world.ingest(added)
    world.advance(seconds=30)
    await world.settle()

    assert [item.quantity for item in early.evidence.items] == [7]
    assert [item.quantity for item in (await world.line()).evidence.items] == [4, 3]


async def test_all_numbers_of_an_account_change_together(mongo: Mongo) -> None:
    """X 10 and Y 5 become X 0 and Y 15: nobody is ever shown 25, nor 10."""
    before = a_subscription(10), a_subscription(5, id_="sub2")
    world = await a_mapped_world(mongo, *before, an_agreement_line(15))
    after = a_subscription(0, revision=20_000), a_subscription(15, id_="sub2", revision=20_001)

    shown = [(await world.line()).vendor_count.number]
    for news in (after[1], after[0], *account_reads(after, revision=30_000)):
        await world.ingest(news)
        await world.settle()
        shown.append((await world.line()).vendor_count.number)

    assert shown == [15, 15, 15, 15]


async def test_the_parts_of_a_manifest_count_together_in_whatever_order_they_come(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(9))
    first, second = a_subscription(5, revision=20_000), a_subscription(4, id_="sub2", revision=20_001)
    parts = [
        an_account_read(ACME, [thing], revision=30_000, part=number, parts=2)
        for number, thing in ((2, second), (1, first))
    ]

    await world.ingest(first, second, parts[0], parts[0])
    await world.settle()
    early = await world.line()
    await world.ingest(parts[1])
    await world.settle()

    assert early.vendor_count.number == 7
    assert (await world.line()).vendor_count.number == 9


async def test_parts_of_an_older_manifest_complete_no_newer_one(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    first, second = a_subscription(5, revision=20_000), a_subscription(4, id_="sub2", revision=20_001)

    await world.ingest(
        first,
        second,
        an_account_read(ACME, [first], revision=30_000, part=1, parts=2),
        an_account_read(ACME, [second], revision=40_000, part=2, parts=2),
    )
    world.advance(minutes=5)
    await world.settle()

    assert (await world.line()).vendor_count.number == 7


async def test_a_manifest_that_comes_after_a_newer_one_changes_nothing_and_leaves_nothing(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    older, newer = a_subscription(5, revision=20_000), a_subscription(9, revision=20_001)
    await world.ingest(older, newer)
    await world.ingest(*account_reads([newer], revision=40_000))
    await world.settle()

    await world.ingest(*account_reads([older], revision=30_000))
    await world.settle()

    assert (await world.line()).vendor_count.number == 9
    assert await waiting_parts(world) == 0


async def test_a_manifest_of_a_connection_that_was_replaced_does_not_count(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    await world.ingest(an_integration(VENDOR, generation=2, revision=2))

    await world.ingest(*account_reads([], [ACME], revision=30_000, generation=1))
    await world.settle()

    assert (await world.line()).vendor_count.number == 7
    assert await waiting_parts(world) == 0


async def test_a_manifest_that_names_what_never_came_holds_up_no_other_account(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    other = a_subscription(3, id_="s9", account="beta", revision=20_000)

    await world.ingest(*account_reads([a_subscription(1, id_="lost", revision=20_000)], revision=30_000))
    await world.ingest(other, *account_reads([other], revision=30_001))
    await world.settle()

    numbers = {line.vendor_account_id: line.vendor_count.number for line in await world.stored()}
    assert numbers == {None: 7, "beta": 3}
    assert await waiting_parts(world) == 1


async def test_a_second_manifest_that_says_the_same_makes_younger_and_announces_nothing(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    said = len(await world.events("billing.usage-line-changed.v1"))
    world.advance(days=3)

    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    queued = await mongo.all_tenants("work_items").count()

    assert (await world.line()).vendor_count.as_of == world.now
    assert (queued, len(await world.events("billing.usage-line-changed.v1"))) == (0, said)


async def test_the_manifest_before_the_newest_is_kept_and_older_ones_are_not(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(a_subscription(7))
    for revision in (2_000, 3_000, 4_000):
        await world.ingest(*account_reads([a_subscription(7)], revision=revision))
        await world.apply()

    [header] = await mongo.documents("manifests", TENANT).find()
    parts = await mongo.documents(PARTS, TENANT).find()
    assert (header["before"]["revision"], header["current"]["revision"]) == (3_000, 4_000)
    assert sorted(part["revision"] for part in parts) == [3_000, 4_000]


async def test_the_read_back_of_our_own_write_counts_at_once(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.ingest(
        an_agreement_line(7, revision=world.revision + 10, run_id="write-apr_1", read_back=True)
    )
    await world.settle()

    assert (await world.line()).line_class is LineClass.IN_STEP


async def test_a_manifest_that_read_the_line_before_our_write_does_not_take_the_write_back(
    mongo: Mongo,
) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = an_agreement_line(5)
    await world.ingest(an_agreement_line(7, revision=50_000, run_id="write-apr_1", read_back=True))

    late: dict[str, Any] = {"revision": 60_000, "run_id": "run-2"}
    [overlapping] = account_reads([before], **late)
    thing = overlapping.things[0].model_copy(update={"read_revision": 40_000})
    await world.ingest(overlapping.model_copy(update={"things": (thing,)}))
    await world.settle()

    assert (await world.line()).psa_count.number == 7


async def test_a_manifest_that_read_the_line_after_our_write_has_the_last_word(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.ingest(an_agreement_line(7, revision=50_000, run_id="write-apr_1", read_back=True))

    foreign = an_agreement_line(6, revision=60_000, run_id="run-2")
    await world.read(foreign)
    await world.settle()

    assert (await world.line()).psa_count.number == 6


async def test_a_first_manifest_is_shown_and_the_next_that_agrees_makes_it_a_number(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, an_agreement_line(7))
    bought = a_subscription(7, revision=20_000)
    once = a_span(known_from=20_010, known_until=20_000)
    twice = a_span(known_from=20_010, known_until=40_000)

    await world.ingest(bought, *account_reads([bought], revision=30_000, spans=(once,)))
    await world.settle()
    early = await world.line()
    await world.ingest(*account_reads([bought], revision=50_000, run_id="run-2", spans=(twice,)))
    await world.settle()

    assert (early.vendor_count.missing, early.line_class) == (NoNumber.UNREAD, LineClass.NO_VERDICT)
    assert early.vendor_count.known_part == 7
    assert (await world.line()).line_class is LineClass.IN_STEP


async def test_a_company_without_vendor_account_shows_what_it_is_billed_for(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))

    await world.read(an_agreement_line(4, id_="add9", account="co9"))
    await world.settle()

    classes = {line.psa_account_id: line.line_class for line in await world.stored()}
    assert classes == {"co1": LineClass.IN_STEP, "co9": LineClass.NOT_BOUGHT}


async def test_a_manifest_that_is_delivered_again_after_it_was_forgotten_leaves_nothing(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.ingest(a_subscription(7))
    versions = [account_reads([a_subscription(7)], revision=revision) for revision in (2_000, 3_000, 4_000)]
    for manifest in versions:
        await world.ingest(*manifest)
        await world.apply()

    await world.ingest(*versions[0])
    await world.apply()

    assert await waiting_parts(world) == 0
    assert await mongo.all_tenants(PARTS).count() == 2
    assert (await world.manifests.applied_of_run(TENANT, VENDOR, "run-1")).manifests == 1


async def test_a_replica_that_looked_before_another_applied_forgets_nothing_that_counts(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(7))
    changed = a_subscription(4, revision=20_000)
    await world.ingest(changed, *account_reads([changed], revision=30_000))
    repository, reader = ManifestRepository(mongo, RecalculationQueue(mongo)), ManifestReader(mongo)
    early = await repository.snapshot(TENANT, [ACME])

    await world.settle()
    counts = await reader.of_accounts(TENANT, [ACME])
    late = decide_manifests(early.received[ACME], counts[ACME], generation=1, known=NOTHING_NEW)
    judgement = await world.feed_breaker.judge(TENANT, {}, ())
    stored = await repository.apply(TENANT, {ACME: late}, set(), judgement, settled=early.settled)

    assert (stored, len(late.overtaken)) == (False, 1)
    assert [thing.id for thing in (await reader.things(TENANT, counts.values()))[ACME]] == ["sub1"]
