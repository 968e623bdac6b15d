"""Manifests that contradict themselves, or what is stored, are refused; others go on."""

import pytest
from manifest_builders import account_reads
from observation_builders import (
    a_subscription,
)
from second_run import ONE, OTHER, a_part, a_seven, the_number, unread_of_run, waiting_parts

from shared.errors import PermanentError
from shared.mongo import Mongo


async def test_parts_that_disagree_on_their_number_are_no_manifest(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE]))

    with pytest.raises(PermanentError, match="parts is 3 and 2"):
        await world.ingest(a_part([OTHER], part=2, parts=3))
    await world.settle()

    assert await the_number(world) == 7


async def test_another_part_of_a_manifest_of_one_part_is_refused(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE], parts=1))
    await world.settle()

    with pytest.raises(PermanentError, match="disagree"):
        await world.ingest(a_part([OTHER], part=2))
    await world.settle()

    assert await the_number(world) == 5
    assert await waiting_parts(world) == 0


async def test_two_parts_of_one_number_that_differ_are_no_manifest(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE]))

    with pytest.raises(PermanentError, match="one number and differ"):
        await world.ingest(a_part([OTHER]))
    await world.ingest(a_part([ONE]), a_part([OTHER], part=2))  # the first once more, and the right second
    await world.settle()

    assert await the_number(world) == 9


async def test_parts_of_two_runs_are_no_manifest(mongo: Mongo) -> None:
    world = await a_seven(mongo)

    with pytest.raises(PermanentError, match="run_id"):
        await world.ingest(ONE, OTHER, a_part([ONE]), a_part([OTHER], part=2, run_id="run-3"))
    await world.settle()

    assert await the_number(world) == 7
    assert await waiting_parts(world) == 0, "a batch with a bad part is taken in part by part"


async def test_a_thing_that_two_parts_name_counts_in_neither(mongo: Mongo) -> None:
    world = await a_seven(mongo)

    await world.ingest(ONE, OTHER, a_part([ONE]), a_part([ONE, OTHER], part=2))
    await world.settle()

    assert await the_number(world) == 7
    assert await unread_of_run(world) == {"acme": "sub1 is named in two parts"}


async def test_a_thing_that_was_read_in_another_account_does_not_count_here(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    moved = a_subscription(3, id_="moved", account="beta", revision=20_000)

    await world.ingest(moved, a_part([a_subscription(7), moved], parts=1))
    await world.settle()

    assert await the_number(world) == 7
    assert await unread_of_run(world) == {"acme": "moved was read in another account"}


async def test_a_thing_that_has_moved_on_since_it_was_named_counts_where_it_was_read(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    here, there = ONE, a_subscription(5, account="beta", revision=20_005)

    await world.ingest(here, there, a_part([here], parts=1))
    await world.settle()

    assert await the_number(world) == 5


async def test_what_is_refused_holds_up_no_other_account_and_no_later_manifest(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    third = a_subscription(2, id_="s9", account="beta", revision=20_000)

    await world.ingest(ONE, OTHER, third, a_part([ONE]), a_part([ONE], part=2))
    await world.ingest(*account_reads([third], revision=30_001, run_id="run-2"))
    await world.settle()
    await world.ingest(a_part([ONE, OTHER], parts=1, revision=40_000, run_id="run-3"))
    await world.settle()

    assert {line.vendor_account_id: line.vendor_count.number for line in await world.stored()} == {
        None: 9,
        "beta": 2,
    }
    assert await waiting_parts(world) == 0
