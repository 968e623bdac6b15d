"""A version is a moment of all mappings: it can be compared with, and gone back to."""

import random
from datetime import timedelta

import pytest
from catalogue_builders import a_psa_account, a_vendor_account
from plan_world import PlanWorld, accounts

from matcher.mapping_plans.models import MappingPlan
from matcher.mapping_plans.version_models import MappingVersion
from matcher.mappings.exact_matcher import ExactMatcher
from shared.contracts.matcher import MappingDecision, MappingMethod


async def named(plans: PlanWorld, name: str = "v") -> MappingVersion:
    version = await plans.versions.name("demo", name, "ann")
    plans.client.world.now += timedelta(seconds=1)
    return version


async def differences(
    plans: PlanWorld, version: MappingVersion, to: MappingVersion | None = None
) -> dict[str, tuple[str, str]]:
    found = await plans.versions.differences(version, to, after=None, limit=100)
    return {
        one.mapping.vendor_id: (
            (one.then.psa_id or one.then.decision.value) if one.then else "lost",
            (one.later.psa_id or one.later.decision.value) if one.later else "lost",
        )
        for one in found
    }


async def roll_back(plans: PlanWorld, version: MappingVersion) -> MappingPlan:
    return await plans.apply(await plans.versions.rollback(version, "ann"))


async def test_a_version_shows_what_has_changed_since(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await plans.client.world.exclude("2")
    version = await named(plans)

    await plans.client.world.approve("1", "8")
    await plans.client.world.approve("3", "9")

    assert await differences(plans, version) == {"1": ("7", "8"), "3": ("revoked", "9")}


async def test_two_versions_are_compared_with_each_other(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    first = await named(plans)
    await plans.client.world.approve("1", "8")
    second = await named(plans)
    await plans.client.world.approve("1", "9")

    assert await differences(plans, first, second) == {"1": ("7", "8")}
    assert await differences(plans, second, first) == {"1": ("8", "7")}


async def test_what_came_back_to_what_it_was_differs_in_nothing(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    version = await named(plans)
    await plans.client.world.exclude("1")
    await plans.client.world.approve("1", "7")

    assert await differences(plans, version) == {}


async def test_a_rollback_brings_all_back_with_the_method_that_it_had(plans: PlanWorld) -> None:
    await plans.client.world.receive(a_vendor_account("4", "Same"), a_psa_account("4", "Same"))
    await plans.client.world.approve("1", "7")
    await plans.client.world.exclude("2", "our own")
    version = await named(plans, "before")
    for id_ in ("1", "2", "3", "4"):
        plans.client.world.now += timedelta(seconds=1)
        await plans.client.world.approve(id_, "9")

    await roll_back(plans, version)

    assert await plans.decisions() == {"1": "7", "2": "excluded", "3": "revoked", "4": "4"}
    assert (await plans.newest("4")).method is MappingMethod.EXACT
    assert (await plans.newest("1")).method is MappingMethod.MANUAL
    assert (await plans.newest("2")).reason == "our own"
    assert (await plans.newest("1")).reason == "rolled back to before"
    assert await differences(plans, version) == {}


async def test_what_was_undecided_is_free_for_the_exact_rule_again(plans: PlanWorld) -> None:
    version = await named(plans)
    await plans.client.world.approve("1", "9")
    await roll_back(plans, version)
    revoked = (await plans.newest("1")).decision

    await plans.client.world.receive(a_psa_account("10", "Customer 1"))

    assert revoked is MappingDecision.REVOKED
    assert (await plans.decisions())["1"] == "10"


async def test_what_the_exact_rule_decided_since_is_taken_back_by_a_person_and_stays_so(
    plans: PlanWorld,
) -> None:
    version = await named(plans)
    await plans.client.world.receive(a_psa_account("10", "Customer 1"))
    assert (await plans.decisions())["1"] == "10"

    await roll_back(plans, version)
    matcher = ExactMatcher(plans.mappings, plans.clock)
    while await matcher.process_next():
        pass

    assert (await plans.decisions())["1"] == "revoked"
    assert (await plans.newest("1")).method is MappingMethod.MANUAL


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_was_decided_every_version_can_be_gone_back_to(plans: PlanWorld, seed: int) -> None:
    chance, kept = random.Random(seed), list[tuple[MappingVersion, dict[str, str]]]()
    world = plans.client.world
    for _ in range(40):
        plans.clock()
        id_, decided = chance.choice("123"), await plans.decisions()
        match chance.randrange(6):
            case 0:
                await world.exclude(id_)
            case 1 if id_ in decided:
                await world.revoke(id_)
            case 2 if id_ in decided:
                await world.undo(await plans.newest(id_))
            case 3:
                kept.append((await named(plans), decided))
            case _:
                await world.approve(id_, chance.choice("789"))
    chance.shuffle(kept)

    for version, decisions in kept:
        await roll_back(plans, version)
        assert await plans.decisions() == dict.fromkeys("123", "revoked") | decisions


async def test_items_that_are_gone_meanwhile_are_errors_of_their_rows(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "7")
    await plans.client.world.approve("2", "8")
    await plans.client.world.approve("3", "9")
    version = await named(plans)
    for id_ in ("1", "2", "3"):
        await plans.client.world.exclude(id_)
    await plans.client.world.receive(
        a_psa_account("8", "Company 8", present=False, revision=2),
        a_vendor_account("3", "Customer 3", present=False, revision=2),
    )

    plan = await plans.versions.rollback(version, "ann")
    rows = await plans.rows(plan)

    assert [row.outcome.value for row in rows] == ["changed", "error", "error"]
    assert "PSA item 8 (Company 8) is gone" in (rows[1].sentence or "")
    assert "account 3 is gone from the marketplace" in (rows[2].sentence or "")


async def test_each_applied_plan_leaves_a_version_before_and_one_after(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "9")
    applied = await plans.import_all(accounts(("1", "7"), ("2", "8")))

    after, before = await plans.plans.versions("demo", None, 10)

    assert (before.name, after.name) == ("before: imported from file.csv", "after: imported from file.csv")
    assert {before.plan_id, after.plan_id} == {applied.id}
    assert await differences(plans, before, after) == {"1": ("9", "7"), "2": ("revoked", "8")}
    await roll_back(plans, before)
    assert await plans.decisions() == {"1": "9", "2": "revoked"}
    await roll_back(plans, after)
    assert await plans.decisions() == {"1": "7", "2": "8"}


async def test_what_stood_is_known_without_a_history_from_the_decision_that_replaced_it(
    plans: PlanWorld,
) -> None:
    await plans.client.world.approve("1", "7")
    version = await named(plans)
    await plans.client.world.approve("1", "8")
    await plans.mongo.documents("mapping_history", "demo").remove({})

    assert await differences(plans, version) == {"1": ("7", "8")}


async def test_what_was_not_kept_is_an_error_of_its_row(plans: PlanWorld) -> None:
    version = await named(plans)
    await plans.client.world.approve("1", "7")
    await plans.mongo.documents("mappings", "demo").change({"vendor_id": "1"}, {"$set": {"replaced": None}})

    [row] = await plans.rows(await plans.versions.rollback(version, "ann"))

    assert await differences(plans, version) == {"1": ("lost", "7")}
    assert (row.outcome.value, row.sentence) == ("error", "what stood then was not kept: decide by hand")


@pytest.mark.parametrize("limit", [1, 2])
async def test_differences_come_in_pages(plans: PlanWorld, limit: int) -> None:
    version = await named(plans)
    for id_ in ("1", "2", "3"):
        await plans.client.world.approve(id_, "7")

    first = await plans.versions.differences(version, None, after=None, limit=limit)
    rest = await plans.versions.differences(version, None, after=first[-1].mapping.key, limit=10)

    assert [one.mapping.vendor_id for one in [*first, *rest]] == ["1", "2", "3"]
