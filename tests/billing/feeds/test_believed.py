"""A run is compared with what was believed last, not with whatever run was before it."""

from fed_world import (
    LINES,
    a_fed_world,
    billed,
    bought,
    carry_out,
    held_runs,
    read_by,
    reasons,
    vendor_numbers,
)
from observation_builders import PSA, TENANT, VENDOR, a_mapping, a_subscription

from billing.feeds.models import HoldState, RunRef
from shared.contracts.manifest import ListingExtent
from shared.mongo import Mongo


async def test_a_run_that_says_the_same_as_a_held_one_is_held_again(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))

    await read_by(world, "run-3")

    assert await held_runs(world) == ["run-3"]
    assert await reasons(world) == {"vendor held"}


async def test_a_run_that_says_the_same_as_a_rejected_one_is_held(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    second = RunRef(VENDOR, "run-2")
    await world.feed_breaker.resolve(TENANT, second, HoldState.REJECTED, by="ann", reason="it broke")

    # Its accounts have not fallen back yet when the next run has read them.
    await read_by(world, "run-3")

    assert await held_runs(world) == ["run-3"]
    assert await reasons(world) == {"vendor held"}


async def test_a_run_that_says_again_what_was_before_the_held_one_counts(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))

    await read_by(world, "run-3", bought(10, revision=30_000))

    assert await held_runs(world) == []
    assert vendor_numbers(await world.stored()) == {10}


async def test_a_run_after_a_released_one_is_compared_with_that(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    second = RunRef(VENDOR, "run-2")
    await world.feed_breaker.resolve(TENANT, second, HoldState.RELEASED, by="ann", reason="they left")
    await carry_out(world)

    await read_by(world, "run-3", bought(1, 0, revision=30_000))

    assert await held_runs(world) == []
    assert vendor_numbers(await world.stored()) == {0, 1}


async def test_rejecting_the_second_of_two_held_runs_goes_back_to_what_was_believed(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await read_by(world, "run-3", bought(1, revision=30_000))
    third = RunRef(VENDOR, "run-3")

    await world.feed_breaker.resolve(TENANT, third, HoldState.REJECTED, by="ann", reason="it broke")
    await carry_out(world)

    assert vendor_numbers(await world.stored()) == {10}


async def test_what_a_run_takes_away_in_parts_is_added_up(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)

    await read_by(world, "run-2", bought(8, revision=20_000))
    first = await held_runs(world)
    await read_by(world, "run-2", bought(5, revision=30_000))

    assert first == []
    assert await held_runs(world) == ["run-2"]


async def test_what_a_run_takes_away_account_by_account_is_added_up(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    others = [f"acc{n}" for n in range(LINES)]
    await world.ingest(*[a_mapping("account", account, "co1") for account in others])
    first = [bought(10, revision=11, id_=f"sub-{account}", account=account) for account in others]
    await read_by(world, "run-2", *first)
    assert vendor_numbers(await world.stored()) == {10 * (LINES + 1)}

    held = []
    for number, account in enumerate(others):
        gone = bought(0, revision=20_000 + number, id_=f"sub-{account}", account=account)
        await read_by(world, "run-3", gone)
        held.append(await held_runs(world))

    # 40 of 130 are more than 30 % of the money, 30 of 130 are not.
    assert held == [[]] * 3 + [["run-3"]] * 9


async def test_a_swing_that_the_same_run_takes_back_is_none(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    nine_gone = [0] * 9
    await read_by(world, "run-2", bought(*nine_gone, 10, revision=20_000))

    await read_by(world, "run-2", bought(*[10] * 9, 0, revision=30_000))

    assert await held_runs(world) == []


async def test_nothing_is_believed_of_a_listing_that_fell_short(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000), listing=ListingExtent.SHORT)
    short = await held_runs(world), await reasons(world)

    await read_by(world, "run-3", bought(0, revision=30_000))

    assert short == ([], {"vendor unread"})
    assert await held_runs(world) == ["run-3"]


async def test_what_vanished_while_it_was_read_once_only_is_held_all_the_same(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    gone = a_subscription(present=False, revision=20_000, lines=bought(0, revision=1).lines)

    await read_by(world, "run-2", gone, listed_revision=0)
    await read_by(world, "run-3")

    assert await held_runs(world) == ["run-3"]


async def test_of_the_psa_too_the_next_run_that_says_the_same_is_held(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    gone = billed(10, revision=20_000, present=False)
    await read_by(world, "run-2", *gone)

    await world.ingest(*world.manifests_of(PSA, run_id="run-3"))
    await carry_out(world)

    assert await held_runs(world) == ["run-3"]
    assert await reasons(world) == {"psa held"}


async def test_what_was_believed_is_still_there_after_many_runs_that_were_not(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    for number in range(2, 6):
        await read_by(world, f"run-{number}", bought(number % 2, revision=number * 10_000))
    last = RunRef(VENDOR, "run-5")

    await world.feed_breaker.resolve(TENANT, last, HoldState.REJECTED, by="ann", reason="it broke")
    await carry_out(world)

    assert vendor_numbers(await world.stored()) == {10}
