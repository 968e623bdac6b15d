"""A plan of many rows is applied part by part, to its end, whoever is killed; nobody decides meanwhile."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from catalogue_builders import a_product, a_psa_account, a_service, a_vendor_account
from plan_world import PlanWorld, accounts

from matcher.mapping_plans.application import PlanApplier
from matcher.mapping_plans.models import ROWS_AT_ONCE, PlanOutdated, PlanState
from matcher.mapping_plans.repository import MongoPlanStore, MongoPlanUnit
from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.models import MappingsReserved
from matcher.mappings.recovery import MappingRecovery
from shared.errors import TransientError

T = TypeVar("T")
MANY = 2 * ROWS_AT_ONCE + 7


class FailingPlanStore:
    """A store that goes away after some units of work, as for a process that is killed between two."""

    def __init__(self, store: MongoPlanStore, units: int) -> None:
        self._store, self._left = store, units

    async def run(self, tenant_id: str, work: Callable[[MongoPlanUnit], Coroutine[Any, Any, T]]) -> T:
        if not self._left:
            raise TransientError("the store is away")
        self._left -= 1
        return await self._store.run(tenant_id, work)

    async def begun(self) -> list[tuple[str, str]]:
        return await self._store.begun()


@pytest.fixture
async def many(plans: PlanWorld) -> PlanWorld:
    """More accounts than one transaction decides on."""
    vendor = [a_vendor_account(f"v{number:05}", f"Vendor's {number}") for number in range(MANY)]
    await plans.client.world.receive(*vendor)
    return plans


def all_to(psa_id: str) -> str:
    return accounts(*((f"v{number:05}", psa_id) for number in range(MANY)))


async def die_after(plans: PlanWorld, text: str, units: int) -> str:
    """Begin to apply a plan with a store that goes away; return the plan's id."""
    plan, applier = await plans.plan(text), plans.applier
    plans.applier = PlanApplier(FailingPlanStore(plans.store, units), plans.clock, plans.new_id)
    with pytest.raises(TransientError):
        await plans.apply(plan, idempotency_key="k1")
    plans.applier = applier
    return plan.id


@pytest.mark.parametrize("units", [1, 2, 3])
async def test_killed_between_two_parts_it_is_finished_by_whoever_comes_next(
    many: PlanWorld, units: int
) -> None:
    id_ = await die_after(many, all_to("7"), units)
    half = len(await many.decisions())

    while await many.applier.process_next():
        pass

    assert half == (units - 1) * ROWS_AT_ONCE
    assert set((await many.decisions()).values()) == {"7"}
    assert len(await many.client.world.published()) == MANY
    done = await many.plans.plan("demo", id_)
    assert done.state is PlanState.APPLIED
    assert done.application
    assert (done.application.decided, done.application.overtaken) == (MANY, ())


async def test_while_it_is_half_applied_nobody_else_decides(many: PlanWorld) -> None:
    await die_after(many, all_to("7"), 2)

    with pytest.raises(MappingsReserved, match=r"1,007 mappings are being changed since .* by ann"):
        await many.client.world.approve("1", "8")
    with pytest.raises(MappingsReserved):
        await many.apply(await many.plan(accounts(("2", "8"))))
    with pytest.raises(MappingsReserved):
        await many.versions.name("demo", "now", "bob")
    assert (await many.export()).status_code == 409

    while await many.applier.process_next():
        pass
    await many.client.world.approve("1", "8")
    assert (await many.decisions())["1"] == "8"


async def test_nobody_finishes_on_half_of_a_plan(many: PlanWorld) -> None:
    await many.client.world.receive(a_service("s", "Seats", "M1"), a_product("p", "Seats", "M1"))
    await die_after(many, all_to("7"), 2)

    with pytest.raises(MappingsReserved):
        await many.client.world.finish()
    while await many.applier.process_next():
        pass

    assert (await many.client.world.finish()).counts["accounts_mapped"] == MANY


async def test_the_exact_rule_waits_for_a_half_applied_plan_and_decides_then(many: PlanWorld) -> None:
    await die_after(many, all_to("7"), 2)
    await many.client.world.ingest([a_psa_account("11", "Customer 1")])
    await many.client.world.close()
    await many.client.world.match()
    waiting = (await many.decisions()).get("1")

    while await many.applier.process_next():
        pass
    matcher = ExactMatcher(many.mappings, many.clock)
    while await matcher.process_next():
        pass

    assert waiting is None
    assert (await many.decisions())["1"] == "11"


async def test_what_a_restored_database_decided_otherwise_stays_and_is_named(many: PlanWorld) -> None:
    id_ = await die_after(many, all_to("7"), 2)
    last = f"v{MANY - 1:05}"
    first = await many.newest("v00000")
    told = first.model_copy(update={"vendor_id": last, "psa_id": "8", "decided_by": "bob"})
    same = first.model_copy(update={"vendor_id": f"v{MANY - 2:05}"})
    await MappingRecovery(many.mappings, many.clock).catch_up([told, same])

    while await many.applier.process_next():
        pass

    done = await many.plans.plan("demo", id_)
    assert done.application
    assert (done.application.overtaken, done.application.decided) == ((MANY,), MANY - 1)
    assert len(await many.client.world.published()) == MANY - 2


async def test_a_large_plan_whose_ground_has_changed_decides_nothing_at_all(many: PlanWorld) -> None:
    plan = await many.plan(all_to("7"))
    await many.client.world.exclude(f"v{MANY - 1:05}")

    with pytest.raises(PlanOutdated):
        await many.apply(plan)

    assert await many.decisions() == {f"v{MANY - 1:05}": "excluded"}
    await many.client.world.approve("1", "8")
