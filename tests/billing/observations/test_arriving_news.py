"""News that no manifest names yet is shown on the lines of its account, for as long as that is so."""

import pytest
from billing_world import World, a_mapped_world
from manifest_builders import Counted
from observation_builders import TENANT, a_subscription, an_agreement_line

from billing.observations.account_news import AccountNews
from billing.usage.recalculation_request import ARRIVALS
from billing.usage.ref import Ref, RefKind
from shared.mongo import Mongo
from shared.work_queue import WorkQueue

NEWS = (a_subscription(8, revision=20_000), an_agreement_line(8, revision=20_000))


@pytest.mark.parametrize("news", NEWS, ids=["vendor", "psa"])
async def test_what_was_read_is_arriving_until_a_manifest_names_it(mongo: Mongo, news: Counted) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await is_being_read(world)

    await world.ingest(news)
    await world.reconcile()
    arriving = await is_being_read(world)
    await world.ingest(*world.manifests_of(news.integration_id))
    await world.apply()

    assert (before, arriving, await is_being_read(world)) == (False, True, False)


@pytest.mark.parametrize("news", NEWS, ids=["vendor", "psa"])
async def test_what_is_noted_after_its_manifest_took_effect_is_not_arriving_any_more(
    mongo: Mongo, news: Counted
) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(news)
    await world.reconcile()

    assert not await is_being_read(world)


async def test_a_write_of_ours_that_is_read_back_counts_and_is_not_arriving(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.ingest(an_agreement_line(7, revision=20_000, read_back=True))
    await world.reconcile()

    assert (await world.line()).psa_count.number == 7
    assert not await is_being_read(world)


async def test_what_a_manifest_does_not_name_yet_stays_arriving_beside_what_it_names(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_subscription(8, revision=20_000))
    await world.ingest(a_subscription(9, revision=30_000))
    await world.reconcile()

    assert await is_being_read(world)


async def test_older_news_behind_newer_news_of_an_account_hides_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(8, revision=20_000))
    newer = a_subscription(9, revision=30_000)
    older = a_subscription(1, id_="sub2", revision=15_000)

    await world.ingest(newer, older)
    await world.reconcile()

    assert await is_being_read(world)


async def test_older_news_that_is_noted_together_with_newer_news_hides_nothing(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(8, revision=20_000))

    await world.ingest(a_subscription(9, revision=30_000))
    await world.ingest(a_subscription(1, id_="sub2", revision=15_000))
    await world.reconcile()

    assert await is_being_read(world)


async def test_what_an_earlier_build_queued_as_ids_of_things_is_passed_over(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    account = Ref(RefKind.VENDOR_ACCOUNT, "int_vendor", "acme").encode()
    await WorkQueue(mongo).enqueue(TENANT, ARRIVALS, {account: [a_subscription(8).key]})

    await world.reconcile()

    assert not await is_being_read(world)
    assert await mongo.documents("work_items", TENANT).count() == 0


async def is_being_read(world: World) -> bool:
    line = await world.line()
    return line.line_id in await AccountNews(world.mongo).being_read(TENANT, [line])
