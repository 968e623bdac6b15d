"""Agreement lines that begin later: no news comes on that day."""

from datetime import date

from billing_world import World, a_mapped_world
from observation_builders import TENANT, an_agreement_line

from shared.contracts.billing import LineClass
from shared.mongo import Mongo

CHANGED = "billing.usage-line-changed.v1"


async def test_what_is_billed_for_nothing_from_a_later_day_on_is_seen_on_that_day(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, an_agreement_line(5, starts_on=date(2026, 3, 12)))
    early = await world.stored(), await world.events(CHANGED)

    world.advance(days=2)
    await recheck(world)

    assert early == ([], [])
    line = await world.line()
    assert line.line_class is LineClass.NOT_BOUGHT
    assert len(await world.events(CHANGED)) == 1


async def test_what_ended_and_begins_again_is_announced_as_gone_once(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, an_agreement_line(5, ends_on=date(2026, 3, 11)))
    world.advance(days=1)
    await recheck(world)
    said = await world.events(CHANGED)

    again = an_agreement_line(6, starts_on=date(2026, 3, 20), revision=11)
    await world.read(again)
    await world.reconcile()

    assert await world.stored() == []
    assert await world.events(CHANGED) == said


async def test_a_line_that_waits_for_its_day_cannot_be_seen_in_totals(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, an_agreement_line(5, starts_on=date(2026, 3, 12)))

    totals = await world.lines.totals(TENANT, ["int_psa"])

    assert totals.by_class == {}


async def recheck(world: World) -> None:
    """As the job does by the clock."""
    for tenant_id, accounts in (await world.lines.due_accounts(world.now, 10)).items():
        await world.queue.enqueue_refs(tenant_id, accounts)
    await world.reconcile()
