"""News that no manifest names yet is shown on the lines of its account, for as long as that is so."""

from billing_world import World, a_mapped_world
from observation_builders import TENANT, a_subscription, an_agreement_line

from billing.observations.arriving_subscriptions import ArrivingSubscriptions
from shared.mongo import Mongo


async def test_what_was_read_is_arriving_until_a_manifest_names_it(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    before = await is_being_read(world)

    await world.ingest(a_subscription(8, revision=20_000))
    await world.reconcile()
    arriving = await is_being_read(world)
    await world.ingest(*world.manifests_of())
    await world.apply()

    assert (before, arriving, await is_being_read(world)) == (False, True, False)


async def test_what_is_noted_after_its_manifest_took_effect_is_not_arriving_any_more(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_subscription(8, revision=20_000))
    await world.reconcile()

    assert not await is_being_read(world)


async def test_what_a_manifest_does_not_name_yet_stays_arriving_beside_what_it_names(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))

    await world.read(a_subscription(8, revision=20_000))
    await world.ingest(a_subscription(9, revision=30_000))
    await world.reconcile()

    assert await is_being_read(world)


async def is_being_read(world: World) -> bool:
    line = await world.line()
    return line.line_id in await ArrivingSubscriptions(world.mongo).being_read(TENANT, [line])
