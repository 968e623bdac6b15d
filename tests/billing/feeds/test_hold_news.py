"""Whoever looks is told at once that a run is held, and how the hold ended."""

import pytest
from fed_world import a_fed_world, bought, carry_out, read_by
from observation_builders import TENANT, VENDOR

from billing.feeds.models import HoldState, RunRef
from shared.errors import Conflict
from shared.mongo import Mongo

HELD_RUN = f"{VENDOR}/run-2"


@pytest.mark.parametrize("end", [HoldState.RELEASED, HoldState.REJECTED])
async def test_a_hold_and_its_end_are_told_once_each(mongo: Mongo, end: HoldState) -> None:
    world = await a_fed_world(mongo)
    run = RunRef(VENDOR, "run-2")

    await read_by(world, "run-2", bought(0, revision=20_000))
    held = world.told.take()
    await world.feed_breaker.resolve(TENANT, run, end, by="ann", reason="looked at it")
    with pytest.raises(Conflict):
        await world.feed_breaker.resolve(TENANT, run, end, by="bob", reason="looked too")
    await carry_out(world)

    assert held == [("hold", HELD_RUN, "held")]
    assert world.told.take() == [("hold", HELD_RUN, end.value)]


async def test_a_hold_that_newer_runs_overtake_is_told_to_be_over(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    world.told.take()

    await read_by(world, "run-3", bought(10, revision=30_000))
    await carry_out(world)

    assert world.told.take() == [("hold", HELD_RUN, "overtaken")]


async def test_of_runs_that_are_believed_nothing_is_told(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)

    await read_by(world, "run-2", bought(11, revision=20_000))

    assert world.told.take() == []
