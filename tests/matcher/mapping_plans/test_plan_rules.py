"""Rules of services go with plans: kept by a file, brought back by a version, and judged before all else."""

from decimal import Decimal
from typing import Any

import pytest
from catalogue_builders import PSA, a_product, a_psa, a_service
from plan_world import HEAD, PlanWorld

from matcher.mapping_plans.models import PlanOutdated, RowOutcome
from matcher.mapping_plans.relinks import RelinkRequest
from matcher.mappings.models import NO_RULES, MapTo, PsaItemRef, Revoke
from shared.contracts.mapping_rules import MappingRules, QuantityRule, SplitPart
from shared.contracts.matcher import MappingDecided

LESS_FIVE = MappingRules(quantity=QuantityRule(included_units=Decimal(5)))
SPLIT = MappingRules(split=(SplitPart(psa_id="p8", quantity=Decimal(4)),))
IN_S1 = MappingRules(included_in="s1")


@pytest.fixture
async def plans(plans: PlanWorld) -> PlanWorld:
    services = [a_service(id_, f"Service {id_}", f"M{id_}") for id_ in ("s1", "s2")]
    products = [a_product(id_, f"Product {id_}", f"K{id_}") for id_ in ("p8", "p9")]
    await plans.client.world.receive(*services, *products)
    return plans


async def decide(
    plans: PlanWorld, service: str, product: str, rules: MappingRules | None = None
) -> MappingDecided:
    plans.clock()
    choice = MapTo(PsaItemRef(PSA, product), rules=rules)
    return await plans.client.world.decide(service, choice, kind="service")


def services(*rows: tuple[str, str]) -> str:
    return HEAD + "".join(f"service,approved,{vendor},{psa},\r\n" for vendor, psa in rows)


async def test_a_file_says_nothing_of_rules_and_leaves_them(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9", LESS_FIVE)

    same = await plans.plan(services(("s1", "p9")))
    await plans.apply(await plans.plan(services(("s1", "p8"))))

    assert [row.outcome for row in await plans.rows(same)] == [RowOutcome.UNCHANGED]
    moved = await plans.newest("s1")
    assert (moved.psa_id, moved.rules) == ("p8", LESS_FIVE)


async def test_a_version_brings_its_rules_back(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9", LESS_FIVE)
    version = await plans.versions.name("demo", "with rules", "ann")
    await decide(plans, "s1", "p9", NO_RULES)

    plan = await plans.versions.rollback(version, "ann")
    differences = await plans.versions.differences(version, None, after=None, limit=10)
    await plans.apply(plan)

    assert plan.counts.applicable == len(differences) == 1
    assert (await plans.newest("s1")).rules == LESS_FIVE


async def test_a_plan_shows_the_rules_that_stand_and_that_come(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9", LESS_FIVE)
    plan = await plans.plan(services(("s1", "p8")))

    [row] = (await plans.client.get(f"/mapping-plans/{plan.id}"))["rows"]

    shown: dict[str, Any] = {"standing": row["standing"]["rules"], "becomes": row["becomes"]["rules"]}
    assert shown["standing"] == shown["becomes"] == LESS_FIVE.model_dump(mode="json")


async def test_rules_that_do_not_fit_keep_the_whole_plan_from_being_applied(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9", SPLIT)
    plan = await plans.plan(services(("s1", "p8")))

    with pytest.raises(PlanOutdated) as refused:
        await plans.apply(plan)

    assert "gets what the split leaves" in refused.value.rows[0][1]
    assert (await plans.newest("s1")).psa_id == "p9"


async def test_the_source_of_a_bundle_is_not_moved_by_a_plan(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9")
    await decide(plans, "s2", "p9", IN_S1)

    with pytest.raises(PlanOutdated) as refused:
        await plans.apply(await plans.plan(services(("s1", "p8"))))

    assert "s1 is the source of a bundle, with s2" in refused.value.rows[0][1]


async def test_a_rollback_of_a_revocation_brings_the_rules_as_well(plans: PlanWorld) -> None:
    await decide(plans, "s1", "p9", LESS_FIVE)
    version = await plans.versions.name("demo", "mapped", "ann")
    plans.clock()
    await plans.client.world.decide("s1", Revoke(), kind="service")

    await plans.apply(await plans.versions.rollback(version, "ann"))

    back = await plans.newest("s1")
    assert (back.psa_id, back.rules) == ("p9", LESS_FIVE)


@pytest.mark.parametrize(("rules", "moves"), [(LESS_FIVE, True), (SPLIT, False)])
async def test_a_change_of_psa_moves_rules_that_name_nothing_of_the_old(
    plans: PlanWorld, rules: MappingRules, moves: bool
) -> None:
    await decide(plans, "s1", "p9", rules)
    await plans.client.world.receive(
        a_psa("int_new"), a_product("q9", "Product p9", "Kp9", integration_id="int_new")
    )

    plan = await plans.relinks.plan(RelinkRequest("demo", "ann", "int_new", from_integration_id=PSA))
    [row] = await plans.rows(plan)

    if moves:
        assert row.wanted is not None
        assert row.wanted.rules == rules
    else:
        assert (row.outcome, row.sentence) == (
            RowOutcome.OPEN,
            "its rules name p8 of the old PSA: move it by hand",
        )
