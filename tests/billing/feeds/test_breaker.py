"""A feed that becomes empty, or goes wild, is held until a person has looked."""

from typing import Any

import pytest
from billing_world import World, a_mapped_world
from observation_builders import (
    PSA,
    TENANT,
    VENDOR,
    a_line,
    a_mapping,
    a_subscription,
    an_agreement_line,
)

from billing.feeds.models import HoldState, RunRef
from shared.contracts.base import NoNumber
from shared.contracts.billing import LineClass
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.errors import Conflict, NotFound
from shared.mongo import Mongo

LINES = 12
SECOND = RunRef(VENDOR, "run-2")
SERVICES = [f"svc{number}" for number in range(1, LINES + 1)]


def bought(quantity: int = 10, **more: Any) -> SubscriptionObserved:
    """One subscription of twelve services: twelve usage lines."""
    return a_subscription(lines=tuple(a_line(quantity, service=service) for service in SERVICES), **more)


async def a_world_of_lines(mongo: Mongo) -> World:
    billed = [
        an_agreement_line(10, id_=f"add{number}", product_id=f"prod{number}")
        for number in range(1, LINES + 1)
    ]
    mappings = [a_mapping("service", f"svc{number}", f"prod{number}") for number in range(2, LINES + 1)]
    return await a_mapped_world(mongo, bought(), *billed, *mappings)


async def read_as(world: World, news: SubscriptionObserved, run_id: str = "run-2") -> None:
    """Another run has read that, and the breaker has looked at it."""
    await world.ingest(news)
    await world.ingest(*world.manifests_of(VENDOR, run_id=run_id))
    await world.settle()
    await world.feed_breaker.step()
    await world.settle()


async def classes(world: World) -> set[LineClass]:
    return {line.line_class for line in await world.stored()}


GONE = bought(present=False, revision=20_000, run_id="run-2")


async def test_a_run_that_makes_everything_vanish_is_held(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)

    await read_as(world, GONE)

    lines = await world.stored()
    assert {line.reason for line in lines} == {"vendor held"}
    assert {line.vendor_count.missing for line in lines} == {NoNumber.HELD}
    [held] = await world.feeds.holds(TENANT)
    assert (held.state, held.objection) == (
        HoldState.HELD,
        f"all {LINES} lines that had a number would vanish",
    )


async def test_people_are_told_over_the_status_channel_and_the_audit_log(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)

    await read_as(world, GONE)
    await world.feed_breaker.show()

    [shown] = world.status_channel.holds[VENDOR]
    assert (shown.run_id, shown.objection) == ("run-2", f"all {LINES} lines that had a number would vanish")
    [entry] = await mongo.documents("audit_entries", TENANT).find({"action": {"$regex": "^run"}})
    assert (entry["action"], entry["subject"]) == ("run.held", "run:run-2")


async def test_a_change_of_a_few_lines_is_believed(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)
    lines = tuple(a_line(0 if number < 2 else 10, service=service) for number, service in enumerate(SERVICES))

    await read_as(world, a_subscription(lines=lines, revision=20_000, run_id="run-2"))

    assert await classes(world) == {LineClass.IN_STEP, LineClass.PSA_HIGHER}
    assert await world.feeds.holds(TENANT) == []


async def test_a_released_run_counts(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)
    await read_as(world, GONE)

    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.RELEASED, by="ann", reason="they left")
    await world.settle()
    await world.feed_breaker.step()
    await world.settle()

    assert await classes(world) == {LineClass.ENDED_STILL_BILLED}
    actions = [
        row["action"] for row in await mongo.documents("audit_entries", TENANT).find(sort=[("seq", 1)])
    ]
    assert [action for action in actions if action.startswith("run.")] == ["run.held", "run.released"]


async def test_a_rejected_run_leaves_what_was_read_before(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)
    await read_as(world, GONE)

    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.REJECTED, by="ann", reason="the feed broke")
    await world.settle()
    await world.feed_breaker.step()
    await world.settle()

    assert await classes(world) == {LineClass.IN_STEP}
    assert {line.vendor_count.number for line in await world.stored()} == {10}


async def test_nothing_more_of_a_rejected_run_counts_and_the_next_run_does(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)
    await read_as(world, GONE)
    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.REJECTED, by="ann", reason="the feed broke")
    await world.feed_breaker.step()

    await read_as(world, bought(0, revision=30_000, run_id="run-2"))
    late = {line.vendor_count.number for line in await world.stored()}
    await read_as(world, bought(9, revision=40_000, run_id="run-3"), "run-3")

    assert late == {10}
    assert {line.vendor_count.number for line in await world.stored()} == {9}


async def test_a_second_empty_run_is_held_as_well(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)
    await read_as(world, GONE)
    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.REJECTED, by="ann", reason="the feed broke")
    await world.feed_breaker.step()
    await world.settle()

    await read_as(world, GONE, "run-3")

    assert {line.reason for line in await world.stored()} == {"vendor held"}


async def test_a_psa_that_shows_nothing_any_more_is_held_too(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)

    gone = [
        an_agreement_line(10, id_=f"add{n}", product_id=f"prod{n}", revision=20_000, present=False)
        for n in range(1, LINES + 1)
    ]
    await world.ingest(*gone)
    await world.ingest(*world.manifests_of(PSA, run_id="run-2"))
    await world.settle()
    await world.feed_breaker.step()
    await world.settle()

    assert {line.reason for line in await world.stored()} == {"psa held"}


async def test_what_a_person_maps_is_no_swing_of_the_feed(mongo: Mongo) -> None:
    world = await a_world_of_lines(mongo)

    others = [a_mapping("service", f"svc{n}", f"other{n}", revision=2) for n in range(1, LINES + 1)]
    await world.read(*others)
    await world.settle()
    await world.feed_breaker.step()

    assert await world.feeds.holds(TENANT) == []


@pytest.mark.parametrize("state", [HoldState.RELEASED, HoldState.REJECTED])
async def test_only_a_run_that_is_held_can_be_resolved(mongo: Mongo, state: HoldState) -> None:
    world = await a_world_of_lines(mongo)
    with pytest.raises(NotFound):
        await world.feed_breaker.resolve(TENANT, SECOND, state, by="ann", reason="why not")
    await read_as(world, GONE)
    await world.feed_breaker.resolve(TENANT, SECOND, state, by="ann", reason="looked at it")

    with pytest.raises(Conflict):
        await world.feed_breaker.resolve(TENANT, SECOND, HoldState.RELEASED, by="bob", reason="me too")
