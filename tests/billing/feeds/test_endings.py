"""How a hold ends, and what no request can end."""

import pytest
from billing_world import World, a_mapped_world
from fed_world import (
    LINES,
    NUMBERS,
    a_fed_world,
    bought,
    carry_out,
    held_runs,
    read_by,
    reasons,
    vendor_numbers,
)
from observation_builders import TENANT, VENDOR, a_line, a_mapping, a_subscription, an_agreement_line

from billing.feeds.models import HoldState, RunRef
from billing.observations.account_news import AccountNews
from shared.contracts.base import NoNumber
from shared.errors import Conflict, NotFound
from shared.mongo import Mongo

SECOND = RunRef(VENDOR, "run-2")
STATES = [HoldState.RELEASED, HoldState.REJECTED]


async def resolve(world: World, state: HoldState, run: RunRef = SECOND) -> None:
    await world.feed_breaker.resolve(TENANT, run, state, by="ann", reason="looked at it")
    await carry_out(world)


async def states(world: World) -> dict[str, HoldState]:
    return {held.run_id: held.state for held in await world.feeds.holds(TENANT)}


@pytest.mark.parametrize("state", STATES)
async def test_a_run_that_was_judged_and_not_held_cannot_be_resolved(mongo: Mongo, state: HoldState) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, 10, revision=20_000))

    with pytest.raises(NotFound, match="was never held"):
        await resolve(world, state)

    assert vendor_numbers(await world.stored()) == {0, 10}


@pytest.mark.parametrize("first", STATES)
@pytest.mark.parametrize("second", STATES)
async def test_a_hold_ends_once(mongo: Mongo, first: HoldState, second: HoldState) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await resolve(world, first)

    with pytest.raises(Conflict, match=f"it was {first}"):
        await resolve(world, second)

    assert await states(world) == {"run-2": first}
    assert vendor_numbers(await world.stored()) == ({0} if first is HoldState.RELEASED else {10})


@pytest.mark.parametrize("state", STATES)
async def test_a_run_that_newer_runs_have_overtaken_cannot_be_resolved(
    mongo: Mongo, state: HoldState
) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await world.ingest(bought(9, revision=30_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-3"))
    await world.settle()

    with pytest.raises(Conflict, match="newer runs have read all of its accounts again"):
        await resolve(world, state)
    await carry_out(world)

    assert await states(world) == {"run-2": HoldState.OVERTAKEN}
    assert vendor_numbers(await world.stored()) == {9}
    actions = [row["action"] for row in await mongo.documents("audit_entries", TENANT).find()]
    assert sorted(action for action in actions if action.startswith("run.")) == ["run.held", "run.overtaken"]


async def test_a_run_of_which_one_account_still_counts_is_not_overtaken(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    of_zed = bought(5, revision=20_000, id_="sub2", account="zed")
    await read_by(world, "run-2", bought(0, revision=20_000), of_zed)

    third = world.manifests_of(VENDOR, run_id="run-3")
    await world.ingest(*(part for part in third if part.account_id != "zed"))
    await carry_out(world)

    assert {*await held_runs(world)} == {"run-2", "run-3"}
    await resolve(world, HoldState.RELEASED)
    assert {*(await states(world)).values()} == {HoldState.RELEASED, HoldState.HELD}


async def test_a_late_manifest_of_an_overtaken_run_is_judged_with_all_that_the_run_changed(
    mongo: Mongo,
) -> None:
    world = await a_fed_world(mongo)
    of_zed = bought(10, revision=15_000, id_="sub2", account="zed")
    await read_by(world, "run-1", of_zed)
    gone, of_zed_too = bought(0, revision=20_000), bought(9, revision=20_001, id_="sub2", account="zed")
    await world.ingest(gone, of_zed_too)
    parts = {part.account_id: part for part in world.manifests_of(VENDOR, run_id="run-2")}
    await world.ingest(parts["acme"])
    await carry_out(world)
    await world.ingest(bought(10, revision=30_000))
    third = world.manifests_of(VENDOR, run_id="run-3")
    await world.ingest(*(part for part in third if part.account_id == "acme"))
    await carry_out(world)
    overtaken = await states(world)

    await world.ingest(parts["zed"])
    await carry_out(world)

    assert overtaken == {"run-2": HoldState.OVERTAKEN}
    assert await states(world) == {"run-2": HoldState.HELD}


async def test_nothing_is_being_read_because_a_run_was_rejected(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))

    await resolve(world, HoldState.REJECTED)

    assert await AccountNews(mongo).being_read(TENANT, await world.stored()) == set()


async def test_what_comes_after_a_rejected_run_is_being_read(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await resolve(world, HoldState.REJECTED)

    await world.ingest(bought(9, revision=40_000))
    await carry_out(world)

    lines = await world.stored()
    assert await AccountNews(mongo).being_read(TENANT, lines) == {line.line_id for line in lines}


async def test_an_account_of_which_nothing_was_believed_before_is_unread_after_a_rejection(
    mongo: Mongo,
) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(a_mapping("account", "beta", "co2"))
    new = bought(7, revision=20_000, id_="sub2", account="beta")
    billed = [
        an_agreement_line(7, id_=f"new{n}", account="co2", product_id=f"prod{n}", revision=15_000)
        for n in NUMBERS
    ]
    await read_by(world, "psa-2", *billed)
    await read_by(world, "run-2", bought(0, revision=20_000), new)
    assert await reasons(world) == {"vendor held"}

    await resolve(world, HoldState.REJECTED)

    lines = {line.psa_account_id: line for line in await world.stored()}
    assert (lines["co2"].vendor_count.number, lines["co2"].vendor_count.missing) == (None, NoNumber.UNREAD)
    assert lines["co1"].vendor_count.number == 10
    assert await AccountNews(mongo).being_read(TENANT, [*lines.values()]) == set()


async def test_the_next_run_reads_such_an_account_anew(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(a_mapping("account", "beta", "co2"))
    new = bought(7, revision=20_000, id_="sub2", account="beta")
    await read_by(world, "run-2", bought(0, revision=20_000), new)
    await resolve(world, HoldState.REJECTED)

    new_too = bought(8, revision=30_001, id_="sub2", account="beta")
    await read_by(world, "run-3", bought(10, revision=30_000), new_too)

    assert await held_runs(world) == []
    assert len(await world.stored()) == 2 * LINES
    assert vendor_numbers(await world.stored()) == {8, 10}


@pytest.mark.parametrize(("lines", "held"), [(1, []), (2, ["run-2"]), (3, ["run-2"]), (9, ["run-2"])])
async def test_an_empty_feed_of_a_small_tenant_is_held(mongo: Mongo, lines: int, held: list[str]) -> None:
    services = tuple(a_line(5, service=f"svc{n}") for n in range(1, lines + 1))
    world = await a_mapped_world(mongo, a_subscription(lines=services))

    await read_by(world, "run-2", a_subscription(lines=services, present=False, revision=20_000))

    assert await held_runs(world) == held


async def test_a_small_tenant_may_lose_all_lines_but_one(mongo: Mongo) -> None:
    services = [f"svc{n}" for n in range(1, 10)]
    world = await a_mapped_world(
        mongo, a_subscription(lines=tuple(a_line(5, service=one) for one in services))
    )
    left = tuple(a_line(5 if one == "svc1" else 0, service=one) for one in services)

    await read_by(world, "run-2", a_subscription(lines=left, revision=20_000))

    assert await held_runs(world) == []


async def test_a_released_run_is_believed_as_a_whole(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    others = [bought(10, revision=15_000, id_=f"sub-{n}", account=f"acc{n}") for n in range(2)]
    await read_by(world, "run-1", *others)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await resolve(world, HoldState.RELEASED)

    await read_by(world, "run-2", bought(0, revision=20_001, id_="sub-0", account="acc0"))

    assert await held_runs(world) == []
    assert await states(world) == {"run-2": HoldState.RELEASED}


async def test_a_rejected_run_that_was_overtaken_in_part_leaves_the_newer_readings_alone(
    mongo: Mongo,
) -> None:
    world = await a_fed_world(mongo)
    of_zed = bought(10, revision=15_000, id_="sub2", account="zed")
    await read_by(world, "run-1", of_zed)
    await read_by(
        world, "run-2", bought(0, revision=20_000), bought(0, revision=20_001, id_="sub2", account="zed")
    )
    await world.ingest(bought(9, revision=30_000))
    third = world.manifests_of(VENDOR, run_id="run-3")
    await world.ingest(*(part for part in third if part.account_id == "acme"))
    await carry_out(world)

    await resolve(world, HoldState.REJECTED)

    assert await states(world) == {"run-2": HoldState.REJECTED}
    assert vendor_numbers(await world.stored()) == {9, 10}
