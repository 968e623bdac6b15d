"""The operator sets another currency or time zone for a tenant, and starts billing anew."""

from datetime import date
from typing import Any

from billing_world import World, a_mapped_world
from observation_builders import TENANT, a_subscription, an_agreement_line

from billing.reconciliation.calendar_changes import CalendarChanges
from billing.usage.calendar import TenantCalendar
from shared.contracts.billing import LineClass
from shared.mongo import Mongo

USD, EUR = TenantCalendar(id=TENANT, currency="USD"), TenantCalendar(id=TENANT, currency="EUR")
KIRITIMATI = TenantCalendar(id=TENANT, currency="USD", time_zone="Pacific/Kiritimati")
"""Where it is the next day already."""


async def start(world: World) -> None:
    """Does what billing does for its tenants before it consumes."""
    await CalendarChanges(world.mongo, world.queue, clock=world.clock).enqueue([world.calendar])


async def a_started_world(mongo: Mongo, **line: Any) -> World:
    """Seven are bought, and five billed by an agreement that names no currency."""
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5, currency=None, **line))
    await start(world)
    await world.settle()
    return world


async def restarted(world: World, calendar: TenantCalendar, **later: float) -> World:
    await world.leader.release()
    again = World(world.mongo, calendar)
    again.advance(**later)
    await start(again)
    await again.settle()
    return again


async def test_a_line_has_the_currency_that_its_tenant_has_now(mongo: Mongo) -> None:
    world = await restarted(await a_started_world(mongo), EUR, days=1)

    line = await world.line()
    assert (line.money.currency, line.evidence.billed[0].currency) == ("EUR", "EUR")


async def test_a_line_is_open_or_not_on_the_day_that_its_tenant_has_now(mongo: Mongo) -> None:
    ending = await a_started_world(mongo, ends_on=date(2026, 3, 11))

    world = await restarted(ending, KIRITIMATI, minutes=1)

    assert (await world.line()).line_class is LineClass.NOT_BILLED


async def test_the_work_of_a_change_is_asked_for_again_while_replicas_start(mongo: Mongo) -> None:
    world = await restarted(await a_started_world(mongo), EUR, days=1)
    await world.leader.release()
    old = World(mongo, USD)
    await old.queue.enqueue_refs(TENANT, [(await world.line()).account])
    await old.settle()

    world = await restarted(old, EUR, days=1, minutes=10)

    assert (await world.line()).money.currency == "EUR"


async def test_what_was_not_changed_is_calculated_again_by_no_start(mongo: Mongo) -> None:
    await a_started_world(mongo)

    again = World(mongo, USD)
    again.advance(days=1)
    await start(again)

    assert await mongo.all_tenants("work_items").count() == 0
