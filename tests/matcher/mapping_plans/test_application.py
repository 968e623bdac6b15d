"""A plan is applied as a whole or not at all, once, and on the ground that was reviewed."""

from typing import Any

import pytest
from catalogue_builders import a_psa, a_psa_account
from plan_world import HEAD, PlanWorld, accounts

from matcher.mapping_plans.models import PlanOutdated, PlanRefused, PlanState
from shared.contracts.auth import IntegrationStatus
from shared.errors import NotFound


async def test_all_rows_are_decided_by_whoever_applies_the_plan(plans: PlanWorld) -> None:
    await plans.client.world.approve("3", "9")

    text = HEAD + "account,,1,7,\r\naccount,excluded,2,,our own\r\naccount,revoked,3,,moved\r\n"
    applied = await plans.apply(await plans.plan(text), by="bob")

    assert await plans.decisions() == {"1": "7", "2": "excluded", "3": "revoked"}
    newest = [await plans.newest(id_) for id_ in ("1", "2", "3")]
    assert {(one.method.value, one.decided_by) for one in newest} == {("import", "bob")}
    assert [one.reason for one in newest] == ["imported from file.csv", "our own", "moved"]
    assert applied.state is PlanState.APPLIED
    assert applied.application
    assert applied.application.decided == 3


async def test_an_imported_decision_can_be_undone_like_any_other(plans: PlanWorld) -> None:
    await plans.client.world.approve("1", "8")
    await plans.import_all(accounts(("1", "7")))

    await plans.client.world.undo(await plans.newest("1"))

    assert await plans.decisions() == {"1": "8"}


async def test_applied_again_with_the_same_key_it_decides_nothing_twice(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("2", "8")))
    first = await plans.apply(plan, idempotency_key="k1")
    before = await plans.client.world.published()

    again = await plans.apply(plan, idempotency_key="k1")

    assert again == first
    assert await plans.client.world.published() == before


async def test_another_key_or_another_person_finds_it_applied(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7")))
    await plans.apply(plan, idempotency_key="k1")

    with pytest.raises(PlanRefused, match=r"is applied since .* by ann"):
        await plans.apply(plan, idempotency_key="k2")
    with pytest.raises(PlanRefused, match=r"is applied since .* by ann"):
        await plans.apply(plan, idempotency_key="k1", by="bob")
    with pytest.raises(PlanRefused, match="belongs to another request"):
        await plans.apply(plan, idempotency_key="k1", expected_count=2)


async def test_what_somebody_else_decided_meanwhile_stops_the_whole_plan_and_is_named(
    plans: PlanWorld,
) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("2", "8")))
    await plans.client.world.approve("2", "9")

    with pytest.raises(PlanOutdated) as refused:
        await plans.apply(plan)

    [(number, sentence)] = refused.value.rows
    assert number == 2
    assert "account 2 was decided on meanwhile: mapped to 9 by ann" in sentence
    assert await plans.decisions() == {"2": "9"}
    await plans.apply(plan, except_rows=(2,), expected_count=1)
    assert await plans.decisions() == {"1": "7", "2": "9"}


async def test_a_company_that_went_meanwhile_stops_it_too(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("2", "8")))
    await plans.client.world.receive(a_psa_account("8", "Company 8", present=False, revision=2))
    with pytest.raises(PlanOutdated, match="1 of the plan's rows"):
        await plans.apply(plan)

    assert await plans.decisions() == {}


async def test_of_two_plans_on_the_same_items_the_second_is_outdated(plans: PlanWorld) -> None:
    first = await plans.plan(accounts(("1", "7")))
    second = await plans.plan(accounts(("1", "8")))
    await plans.apply(second, by="bob")

    with pytest.raises(PlanOutdated, match="nothing was applied"):
        await plans.apply(first)
    assert await plans.decisions() == {"1": "8"}


async def test_a_plan_with_errors_is_applied_only_if_they_are_to_be_skipped(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("77", "8")))

    with pytest.raises(PlanRefused, match="1 rows of the plan are in error"):
        await plans.apply(plan)
    await plans.apply(plan, skip_errors=True)

    assert await plans.decisions() == {"1": "7"}


async def test_a_complete_plan_with_errors_is_never_applied_for_it_may_revoke_what_a_row_meant(
    plans: PlanWorld,
) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("77", "8")), complete=True)

    with pytest.raises(PlanRefused, match="revokes what no row names"):
        await plans.apply(plan, skip_errors=True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"digest": "0" * 64}, "not the one that was sent"),
        ({"expected_count": 3}, "changes 2 mappings, and 3 were expected"),
        ({"except_rows": (1,)}, "changes 1 mappings, and 2 were expected"),
    ],
)
async def test_what_was_not_reviewed_is_not_applied(
    plans: PlanWorld, changed: dict[str, Any], words: str
) -> None:
    plan = await plans.plan(accounts(("1", "7"), ("2", "8")))

    with pytest.raises(PlanRefused, match=words):
        await plans.apply(plan, **changed)
    assert await plans.decisions() == {}


async def test_a_plan_of_another_tenant_is_not_found(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7")))

    with pytest.raises(NotFound):
        await plans.apply(plan, tenant_id="other")


async def test_a_psa_that_was_disconnected_meanwhile_stops_it(plans: PlanWorld) -> None:
    plan = await plans.plan(accounts(("1", "7")))
    await plans.client.world.receive(a_psa(status=IntegrationStatus.DISCONNECTED, revision=2))

    with pytest.raises(PlanOutdated):
        await plans.apply(plan)
