"""Only a reading that is marked as the read-back of our own write counts without a manifest."""

from datetime import date
from typing import Any

import pytest
from billing_world import World, a_mapped_world
from manifest_builders import CO1, account_reads
from observation_builders import a_mapping, a_subscription, an_agreement_line

from shared.contracts.base import NoNumber
from shared.contracts.billing import Count
from shared.contracts.vendor_sync import SubscriptionStatus
from shared.mongo import Mongo

TAKEN_AWAY: dict[str, dict[str, Any]] = {
    "ended": {"ends_on": date(2026, 1, 1)},
    "not billable": {"billable": False},
    "of another product": {"product_id": "prod9"},
    "of another company": {"account": "co2"},
}
"""How a line may be read back that bills its product no more."""
A_LINE_OF_CO2 = an_agreement_line(2, id_="add2", account="co2", revision=20_000)


async def a_billed_world(mongo: Mongo) -> World:
    """Seven are bought and five billed."""
    return await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))


async def test_a_later_reading_that_is_no_read_back_waits_for_its_manifest(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)

    for run_id in ("run-2", "write-apr_1"):  # a run's, and what a write read before it was sent
        await world.ingest(an_agreement_line(6, revision=world.revision + 10, run_id=run_id))
        await world.settle()

    line = await world.line()
    assert [line.psa_count.number, line.evidence.billed[0].quantity] == [5, 5]


async def test_a_reading_that_states_a_read_back_line_anew_takes_nothing_of_it_back(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)
    await world.ingest(an_agreement_line(7, revision=world.revision + 10, read_back=True))

    await world.ingest(an_agreement_line(8, revision=world.revision + 20, run_id="run-2"))
    await world.settle()

    assert (await world.line()).psa_count.number == 7


async def test_a_number_that_somebody_sets_back_after_our_write_counts_with_the_next_run(
    mongo: Mongo,
) -> None:
    world = await a_billed_world(mongo)
    await world.ingest(an_agreement_line(7, revision=world.revision + 10, read_back=True))
    await world.settle()

    await world.read(an_agreement_line(5, revision=world.revision + 20))
    await world.settle()

    assert (await world.line()).psa_count.number == 5


async def test_a_line_that_came_after_the_listing_is_billed_by_its_read_back_until_it_is_listed(
    mongo: Mongo,
) -> None:
    world = await a_billed_world(mongo)
    read_back = an_agreement_line(7, id_="add2", revision=25_000, read_back=True)

    listed_before = account_reads([an_agreement_line(5)], revision=30_000, listed_revision=24_000)
    await world.ingest(read_back, *listed_before)
    await world.settle()

    assert await billed_lines(world) == {"co1": ["add1", "add2"]}


async def test_a_line_that_is_gone_when_it_is_read_back_bills_nothing_by_itself(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)

    gone = an_agreement_line(7, id_="add2", revision=world.revision + 10, read_back=True, present=False)
    await world.ingest(gone)
    await world.settle()

    assert [billed.line_id for billed in (await world.line()).evidence.billed] == ["add1"]


async def test_a_line_that_is_read_back_in_another_company_is_billed_there_alone(mongo: Mongo) -> None:
    world = await a_billed_world(mongo)
    await world.read(A_LINE_OF_CO2)

    await world.ingest(an_agreement_line(7, account="co2", revision=world.revision + 10, read_back=True))
    await world.settle()

    lines = {line.psa_account_id: line for line in await world.stored()}
    assert await billed_lines(world) == {"co1": [], "co2": ["add2", "add1"]}
    assert (lines["co1"].psa_count.number, lines["co1"].psa_count.missing) == (None, NoNumber.UNREAD)


async def test_a_line_that_is_found_where_it_was_before_our_write_is_billed_there_again(mongo: Mongo) -> None:
    """The manifests say what those before the read-back said, of readings that were made after it."""
    world = await a_billed_world(mongo)
    await world.read(A_LINE_OF_CO2)
    await world.ingest(an_agreement_line(7, account="co2", revision=world.revision + 10, read_back=True))
    await world.settle()

    parts = account_reads([an_agreement_line(5), A_LINE_OF_CO2], revision=30_000, run_id="run-2")
    await world.ingest(*parts)
    await world.settle()

    assert await billed_lines(world) == {"co1": ["add1"], "co2": ["add2"]}


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "the later one first"])
async def test_a_line_that_is_read_where_it_was_right_after_its_read_back_is_billed_once(
    mongo: Mongo, order: int
) -> None:
    """Both readings come at once, and no manifest names the later one yet."""
    world = await a_billed_world(mongo)
    await world.read(A_LINE_OF_CO2)
    read_back = an_agreement_line(7, account="co2", revision=world.revision + 10, read_back=True)
    later = an_agreement_line(7, revision=world.revision + 20, run_id="run-2")

    await world.ingest(*[read_back, later][::order])
    await world.settle()

    assert await billed_lines(world) == {"co1": [], "co2": ["add2", "add1"]}


@pytest.mark.parametrize("now", TAKEN_AWAY.values(), ids=TAKEN_AWAY)
async def test_what_a_read_back_takes_from_a_product_leaves_no_zero_there(
    mongo: Mongo, now: dict[str, Any]
) -> None:
    """Another line may bill it since the company was read: absence is told by a manifest only."""
    world = await a_billed_world(mongo)

    read_back = an_agreement_line(7, revision=world.revision + 10, read_back=True, **now)
    await world.ingest(read_back)
    await world.settle()
    at_once = await of_co1(world)
    await world.read(read_back.model_copy(update={"read_back": False, "revision": world.revision + 20}))
    await world.settle()

    assert (at_once.number, at_once.missing) == (None, NoNumber.UNREAD)
    assert at_once.detail == ("a write found add1 moved or ended since the company was read: sync again")
    assert (await of_co1(world)).number == 0


@pytest.mark.parametrize("where", [{"product_id": "prod2"}, {"account": "co2"}], ids=["product", "company"])
async def test_a_line_that_a_read_back_brings_is_not_all_that_may_be_billed_there(
    mongo: Mongo, where: dict[str, Any]
) -> None:
    world = await a_billed_world(mongo)
    await world.ingest(a_mapping("service", "svc2", "prod2"))
    await world.ingest(*world.manifests_of(CO1.integration_id))
    await world.read(an_agreement_line(1, id_="add9", account="co2", product_id="prod9", revision=20_000))

    await world.ingest(an_agreement_line(7, revision=world.revision + 10, read_back=True, **where))
    await world.settle()

    [line] = [one for one in await world.stored() if [b.line_id for b in one.evidence.billed] == ["add1"]]
    assert (line.psa_count.number, line.psa_count.missing) == (None, NoNumber.UNREAD)
    assert line.psa_count.known_part == 7


@pytest.mark.parametrize("now", TAKEN_AWAY.values(), ids=TAKEN_AWAY)
async def test_a_product_of_which_nothing_is_bought_keeps_its_line_while_a_read_back_has_taken_what_billed_it(
    mongo: Mongo, now: dict[str, Any]
) -> None:
    ended = a_subscription(7, status=SubscriptionStatus.TERMINATED)
    world = await a_mapped_world(mongo, ended, an_agreement_line(5))

    await world.ingest(an_agreement_line(0, revision=world.revision + 10, read_back=True, **now))
    await world.settle()

    assert (await of_co1(world)).missing is NoNumber.UNREAD


async def billed_lines(world: World) -> dict[str | None, list[str]]:
    """The agreement lines of each usage line, by company."""
    lines = await world.stored()
    return {line.psa_account_id: [one.line_id for one in line.evidence.billed] for line in lines}


async def of_co1(world: World) -> Count:
    """What is billed at `co1`."""
    [line] = [one for one in await world.stored() if one.psa_account_id == "co1"]
    return line.psa_count
