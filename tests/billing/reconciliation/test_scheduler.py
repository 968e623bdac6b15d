"""Turns: tenants one after the other, and a rest between long rounds while more is coming."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from billing_world import World, a_world
from observation_builders import NOW, a_subscription

from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.reconciler import LoadedGroups, Reconciler
from billing.reconciliation.scheduler import FEW, LONGEST, MANY, QUIET, ROWS, BatchSize, TenantScheduler
from shared.mongo import Mongo


class Slow(AccountGroupLoader):
    """Looking takes three seconds by the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__(world.mongo, {})
        self._world = world

    async def around(self, tenant_id: str, accounts: Collection[str]) -> LoadedGroups:
        self._world.later(seconds=3)
        return await super().around(tenant_id, accounts)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_tenants_come_one_after_the_other() -> None:
    turns = TenantScheduler()

    assert [turns.next(["a", "b", "c"]) for _ in range(4)] == ["a", "b", "c", "a"]
    assert turns.next(["a", "c"]) == "c"


@pytest.mark.parametrize(
    ("moment", "rests"),
    [(2, True), (3.9, True), (4, False), (1.9, False)],
    ids=["at once", "not as long as the round", "as long", "the clock was set back"],
)
def test_a_long_round_is_followed_by_a_rest_as_long(moment: float, *, rests: bool) -> None:
    turns = TenantScheduler()

    turns.ended("a", began=after(0), now=after(2))

    assert turns.rests("a", after(moment)) is rests


def test_no_rest_is_longer_than_a_few_seconds() -> None:
    turns = TenantScheduler()

    turns.ended("a", began=after(0), now=after(100))

    assert not turns.rests("a", after(100) + LONGEST)


def test_accounts_with_many_rows_are_loaded_one_by_one() -> None:
    pace = BatchSize()

    pace.took(FEW, FEW * ROWS)

    assert pace.accounts == 1


def test_accounts_with_few_rows_are_loaded_many_at_a_time() -> None:
    pace = BatchSize()

    for _ in range(20):
        pace.took(1, 0)

    assert pace.accounts == MANY


async def test_what_comes_after_a_long_round_gathers_until_it_is_quiet(mongo: Mongo) -> None:
    world = await a_world(mongo)
    reconciling = Reconciler(world.touched, Slow(world), world.lines, clock=world.clock)
    await world.lines.admit("ours")
    await world.hear(a_subscription(7))
    await reconciling.see_to_some("ours")

    await world.hear(a_subscription(8, revision=11))
    early = await reconciling.see_to_some("ours"), reconciling.done
    world.now += QUIET
    late = await reconciling.see_to_some("ours"), reconciling.done

    assert (early, late) == ((False, False), (True, True))
    assert (await world.line()).vendor_count.number == 8


async def test_a_tenant_that_gathers_keeps_nobody_else_waiting(mongo: Mongo) -> None:
    world = await a_world(mongo)
    reconciling = Reconciler(world.touched, Slow(world), world.lines, clock=world.clock)
    await world.lines.admit("ours")
    await world.hear(a_subscription(7))
    await reconciling.see_to_some("ours")

    await world.hear(
        a_subscription(8, revision=11), a_subscription(9, tenant_id="t2", integration_id="int_other")
    )
    await reconciling.see_to_some("ours")

    assert len((await world.lines.page("t2"))[0]) == 1
    assert (await world.line()).vendor_count.number == 7
