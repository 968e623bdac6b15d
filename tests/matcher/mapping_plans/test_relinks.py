"""A change of PSA: each mapping is proposed its new end, with the reason, and reviewed before it is moved."""

from collections.abc import Sequence

import pytest
from catalogue_builders import PSA, a_product, a_psa, a_psa_account, a_service
from plan_world import PlanWorld

from matcher.mapping_plans.models import MappingPlan, PlanRefused, PlanRow
from matcher.mapping_plans.relinks import RelinkRequest
from shared.contracts.auth import IntegrationStatus
from shared.contracts.matcher import MappingMethod
from shared.errors import NotFound

NEW = "int_new"


async def new_psa(plans: PlanWorld, *companies: tuple[str, str, str]) -> None:
    """Connect another PSA with companies of these ids, names and codes."""
    observed = [
        a_psa_account(id_, name, integration_id=NEW).model_copy(update={"account_key": code})
        for id_, name, code in companies
    ]
    await plans.client.world.receive(a_psa(NEW), *observed)


async def relink(plans: PlanWorld, **more: str) -> MappingPlan:
    fields = more or {"from_integration_id": PSA}
    return await plans.relinks.plan(RelinkRequest("demo", "ann", NEW, **fields))


async def proposals(plans: PlanWorld, plan: MappingPlan) -> dict[str, tuple[str | None, str]]:
    """By vendor id, the new id and why."""
    rows: Sequence[PlanRow] = await plans.rows(plan)
    return {
        row.vendor_id or "": (
            row.wanted.target.id if row.wanted and row.wanted.target else None,
            row.sentence or "",
        )
        for row in rows
    }


async def test_equal_codes_come_before_equal_names(plans: PlanWorld) -> None:
    for vendor_id, psa_id in (("1", "7"), ("2", "8"), ("3", "8")):
        await plans.client.world.approve(vendor_id, psa_id)
    await new_psa(plans, ("70", "Another name", "C7"), ("71", "Company 7", "X"), ("80", "Company 8", "Y"))

    found = await proposals(plans, await relink(plans))

    assert found == {
        "1": ("70", "same code 'C7'"),
        "2": ("80", "same name 'Company 8'"),
        "3": ("80", "same name 'Company 8'"),
    }


async def test_two_of_a_name_are_none_by_name(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await new_psa(plans, ("70", "Company 7", "X"), ("71", "Company 7", "Y"))

    [(target, why)] = (await proposals(plans, await relink(plans))).values()

    assert target is None or "likely" in why


async def test_what_was_mapped_there_before_comes_first(plans: PlanWorld) -> None:
    await new_psa(plans, ("70", "Company 7", "C7"), ("71", "Else", "X"))
    await plans.client.world.approve("1", "71", psa=NEW)
    await plans.client.world.approve("1", "7")

    assert await proposals(plans, await relink(plans)) == {"1": ("71", "mapped to it before, on 2026-11-23")}


async def test_what_is_only_alike_is_proposed_by_likeness_and_what_is_not_stays_open(
    plans: PlanWorld,
) -> None:
    await plans.client.world.receive(
        a_psa_account("20", "Fabrikam Robotics Ltd"), a_psa_account("21", "Delta Freight Lines")
    )
    await plans.client.world.approve("1", "20")
    await plans.client.world.approve("2", "21")
    await new_psa(plans, ("90", "Fabrikam Robotics Limited", "F"), ("91", "Northwind Bakery", "N"))

    found = await proposals(plans, await relink(plans))

    assert found["1"][0] == "90"
    assert "% likely" in found["1"][1]
    assert found["2"][0] is None
    assert "choose by hand" in found["2"][1]


async def test_services_move_by_their_product_id(plans: PlanWorld) -> None:
    await plans.client.world.receive(
        a_service("s1", "Seats", "M1"), a_product("p1", "Business Premium", "M365-BP")
    )
    await plans.client.world.approve("s1", "p1", kind="service")
    await new_psa(plans)
    await plans.client.world.receive(a_product("q1", "Premium for business", "M365-BP", integration_id=NEW))

    assert await proposals(plans, await relink(plans)) == {"s1": ("q1", "same code 'M365-BP'")}


async def test_rows_that_a_person_leaves_out_keep_the_old_company(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await plans.client.world.approve("2", "8")
    await new_psa(plans, ("70", "Company 7", "X"), ("80", "Company 8", "Y"))
    plan = await relink(plans)

    await plans.apply(plan, except_rows=(2,), expected_count=1)

    assert await plans.decisions() == {"1": "70", "2": "8"}
    moved = await plans.newest("1")
    assert (moved.method, moved.reason) == (MappingMethod.MANUAL, f"moved from {PSA} to {NEW}")


async def test_an_old_psa_that_is_disconnected_is_left_by_its_realm_as_well(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await new_psa(plans, ("70", "Company 7", "X"))
    await plans.client.world.receive(a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))

    by_realm = await relink(plans, from_provider="connectwise", from_realm=f"realm of {PSA}")

    assert await proposals(plans, by_realm) == {"1": ("70", "same name 'Company 7'")}
    assert await proposals(plans, await relink(plans)) == {"1": ("70", "same name 'Company 7'")}


async def test_a_psa_that_is_unknown_away_or_the_same_is_refused(plans: PlanWorld) -> None:
    with pytest.raises(NotFound, match="no PSA integration int_new"):
        await relink(plans)
    await new_psa(plans)
    with pytest.raises(NotFound, match="no PSA integration int_theirs"):
        await relink(plans, from_integration_id="int_theirs")
    with pytest.raises(PlanRefused, match="both are the same PSA"):
        await relink(plans, from_integration_id=NEW)
    await plans.client.world.receive(a_psa(NEW, status=IntegrationStatus.DISCONNECTED, revision=2))
    with pytest.raises(PlanRefused, match="is disconnected"):
        await relink(plans)
