"""Equality maps and unmaps only on the ground of complete runs of both sides, whatever order they come in."""

from datetime import timedelta

import pytest
from catalogue_builders import (
    NOW,
    PSA,
    VENDOR,
    a_psa,
    a_psa_account,
    a_vendor_account,
    an_integration,
)
from ended_runs import an_end
from matcher_world import MatcherWorld

from matcher.catalogue.ingestor import ItemObserved
from matcher.mappings.inventory_check import InventoryCheck
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Outcome, Side

CONNECTED = (an_integration(), a_psa())
CONTOSO = (*CONNECTED, a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso"))


@pytest.mark.parametrize(("first", "second"), [(VENDOR, PSA), (PSA, VENDOR)])
async def test_nothing_is_mapped_before_a_run_of_both_sides_has_ended(
    world: MatcherWorld, first: str, second: str
) -> None:
    await world.ingest(CONTOSO)
    await world.match()
    await world.close(first)
    await world.match()
    before = await world.mapped()

    await world.close(second)
    await world.match()

    assert (before, await world.mapped()) == ({}, {"1": "9"})


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.FAILED])
async def test_a_run_that_is_not_complete_may_have_missed_a_namesake(
    world: MatcherWorld, outcome: Outcome
) -> None:
    await world.ingest(CONTOSO)
    await world.close(VENDOR)
    await world.ingest([an_end("demo", PSA, Side.PSA, outcome=outcome)])
    await world.match()
    before = await world.mapped()

    await world.close(PSA)
    await world.match()

    assert (before, await world.mapped()) == ({}, {"1": "9"})


@pytest.mark.parametrize("late", [a_psa_account("8", "Contoso"), a_psa_account("8", "Fabrikam")])
async def test_an_end_that_overtakes_what_its_run_stated_waits_for_it(
    world: MatcherWorld, late: ItemObserved
) -> None:
    await world.ingest(CONTOSO)
    await world.close(VENDOR)
    world.runs.note(late)
    await world.close(PSA)
    await world.match()
    before = await world.mapped()

    await world.ingest([late])
    await world.match()

    assert (before, await world.mapped()) == ({}, {"1": "9"} if late.name == "Fabrikam" else {})


async def test_a_newer_statement_that_comes_before_the_end_waits_for_its_own_run(world: MatcherWorld) -> None:
    await world.ingest(CONTOSO)
    await world.close(VENDOR)
    (first_end,) = world.runs.end(PSA)
    await world.ingest([a_psa_account("8", "Fabrikam", revision=2), first_end])
    await world.match()
    before = await world.mapped()

    await world.close(PSA)
    await world.match()

    assert (before, await world.mapped()) == ({}, {"1": "9"})


async def test_what_a_run_states_as_it_goes_on_maps_and_unmaps_nothing(world: MatcherWorld) -> None:
    await world.receive(*CONTOSO, a_vendor_account("3", "Fabrikam"))

    await world.ingest(
        [a_psa_account("8", "Contoso", revision=2), a_psa_account("7", "Fabrikam", revision=2)]
    )
    await world.match()
    before = await world.mapped()
    await world.close()
    await world.match()

    assert (before, await world.mapped()) == ({"1": "9"}, {"3": "7"})


async def test_the_same_end_again_and_an_older_one_that_comes_late_change_nothing(
    world: MatcherWorld,
) -> None:
    await world.ingest(CONTOSO)
    older = world.runs.end()
    await world.receive(a_psa_account("9", "Contoso GmbH", revision=2), a_vendor_account("3", "Fabrikam"))
    newer = world.runs.end()

    await world.ingest([*older, *newer, *older])
    await world.match()
    await world.ingest([a_psa_account("7", "Fabrikam", revision=3)])
    await world.ingest(older)
    await world.match()

    assert await world.mapped() == {}


async def test_a_second_psa_may_hold_a_namesake_until_its_run_has_ended(world: MatcherWorld) -> None:
    await world.ingest([*CONTOSO, a_psa("int_second")])
    await world.close(VENDOR, PSA)
    await world.match()
    before = await world.mapped()

    await world.receive(a_psa_account("5", "Contoso", integration_id="int_second"))

    assert (before, await world.mapped()) == ({}, {})


async def test_a_psa_that_never_ended_a_run_holds_up_nothing_once_it_is_disconnected(
    world: MatcherWorld,
) -> None:
    await world.ingest([*CONTOSO, a_psa("int_second")])
    await world.close(VENDOR, PSA)
    await world.match()
    before = await world.mapped()

    await world.ingest([a_psa("int_second", status=IntegrationStatus.DISCONNECTED, revision=2)])
    await world.match()

    assert (before, await world.mapped()) == ({}, {"1": "9"})


async def test_another_marketplace_whose_run_goes_on_holds_up_nothing(world: MatcherWorld) -> None:
    other = a_vendor_account("1", "Contoso", integration_id="int_other")
    await world.ingest([*CONTOSO, an_integration("int_other"), other])
    await world.close(VENDOR, PSA)

    await world.match()

    mappings = await world.newest_mappings()
    assert {mapping.vendor_integration_id for mapping in mappings.values()} == {VENDOR}


async def test_what_never_comes_is_said_after_ten_minutes_and_healed_when_it_comes(
    world: MatcherWorld,
) -> None:
    now, lost = NOW, a_psa_account("8", "Fabrikam")
    check = InventoryCheck(world.catalogue, world.store, lambda: now, lambda: None)
    await world.ingest(CONTOSO)
    world.runs.note(lost)
    await world.close()

    await check.check_next()
    at_first = check.degradation()
    now += timedelta(minutes=10)
    await check.check_next()
    overdue = check.degradation()
    await world.ingest([lost])
    now += timedelta(minutes=1)
    await check.check_next()
    await check.check_next()

    assert at_first is None
    assert overdue == (
        "inventories that are not stored whole: 1, among them psa_accounts of integration int_psa: "
        "1 are stored, 2 are stated by run run_2; none is mapped by itself"
    )
    assert check.degradation() is None
    await world.match()
    assert await world.mapped() == {"1": "9"}
