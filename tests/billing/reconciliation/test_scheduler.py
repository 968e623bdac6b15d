"""Scheduling: tenants one after the other, and a rest between long passes while more news is coming."""

from collections.abc import Collection
from datetime import datetime, timedelta

import pytest
from billing_world import World, a_world
from observation_builders import NOW, a_subscription

from billing.reconciliation.batch_size import FIRST_ACCOUNTS, MAX_ACCOUNTS, ROWS, BatchSize
from billing.reconciliation.inputs import AccountGroupLoader
from billing.reconciliation.ports import LoadedGroups
from billing.reconciliation.reconciler import Reconciler
from billing.reconciliation.scheduler import LONGEST_REST, QUIET, TenantScheduler
from billing.usage.manifest import Manifests
from billing.usage.ref import Ref
from shared.contracts.matcher import MappingDecided
from shared.mongo import Mongo
from shared.runtime.shards import SHARDS


class SlowLoader(AccountGroupLoader):
    """Loading takes three seconds by the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__(world.mongo, {}, world.feeds)
        self._world = world

    async def load_groups(
        self,
        tenant_id: str,
        accounts: Collection[Ref],
        *,
        given: Manifests | None = None,
        proposed: MappingDecided | None = None,
    ) -> LoadedGroups:
        self._world.advance(seconds=3)
        return await super().load_groups(tenant_id, accounts, given=given, proposed=proposed)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_tenants_come_one_after_the_other() -> None:
    scheduler = TenantScheduler()

    assert [scheduler.next(["a", "b", "c"]) for _ in range(4)] == ["a", "b", "c", "a"]
    assert scheduler.next(["a", "c"]) == "c"


@pytest.mark.parametrize(
    ("moment", "rests"),
    [(2, True), (3.9, True), (4, False), (1.9, False)],
    ids=["at once", "not as long as the pass", "as long", "the clock was set back"],
)
def test_a_long_pass_is_followed_by_a_rest_as_long(moment: float, *, rests: bool) -> None:
    scheduler = TenantScheduler()

    scheduler.pass_ended("a", started_at=after(0), now=after(2))

    assert scheduler.is_resting("a", after(moment)) is rests


def test_no_rest_is_longer_than_a_few_seconds() -> None:
    scheduler = TenantScheduler()

    scheduler.pass_ended("a", started_at=after(0), now=after(100))

    assert not scheduler.is_resting("a", after(100) + LONGEST_REST)


def test_accounts_with_many_rows_are_loaded_one_by_one() -> None:
    batch_size = BatchSize()

    batch_size.record(FIRST_ACCOUNTS, FIRST_ACCOUNTS * ROWS)

    assert batch_size.accounts == 1


def test_accounts_with_few_rows_are_loaded_many_at_a_time() -> None:
    batch_size = BatchSize()

    for _ in range(20):
        batch_size.record(1, 0)

    assert batch_size.accounts == MAX_ACCOUNTS


async def hold_fences(world: World) -> None:
    for shard in range(SHARDS):
        await world.lines.acquire_fence(shard, "ours")


async def process_next(reconciler: Reconciler) -> bool:
    """Takes the next step of any tenant, as the leader of all shards does."""
    tenant_id = await reconciler.next_tenant(range(SHARDS))
    if tenant_id is not None:
        await reconciler.process(tenant_id, "ours")
    return tenant_id is not None


async def test_news_after_a_long_pass_gathers_until_it_is_quiet(mongo: Mongo) -> None:
    world = await a_world(mongo)
    reconciler = Reconciler(world.queue, SlowLoader(world), world.lines, world.news, clock=world.clock)
    await hold_fences(world)
    await world.read(a_subscription(7))
    await process_next(reconciler)

    await world.read(a_subscription(8, revision=11))
    early = await process_next(reconciler), reconciler.pass_completed
    world.now += QUIET
    late = await process_next(reconciler), reconciler.pass_completed

    assert (early, late) == ((False, False), (True, True))
    assert (await world.line()).vendor_count.number == 8


async def test_a_tenant_that_gathers_keeps_nobody_else_waiting(mongo: Mongo) -> None:
    world = await a_world(mongo)
    reconciler = Reconciler(world.queue, SlowLoader(world), world.lines, world.news, clock=world.clock)
    await hold_fences(world)
    await world.read(a_subscription(7))
    await process_next(reconciler)

    await world.read(
        a_subscription(8, revision=11), a_subscription(9, tenant_id="t2", integration_id="int_other")
    )
    await process_next(reconciler)

    assert len((await world.lines.page("t2"))[0]) == 1
    assert (await world.line()).vendor_count.number == 7
