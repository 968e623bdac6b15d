"""Passes: requests united, taken in batches and by tenants in turn, and never lost."""

import asyncio
from datetime import timedelta

import pytest
from billing_world import World, a_mapped_world, a_world
from observation_builders import NOW, TENANT, a_mapping, a_subscription, an_agreement_line

from billing.observations.account_news import AccountNews
from billing.reconciliation.batch_size import FIRST_ACCOUNTS
from billing.reconciliation.reconciliation_pass import ReconciliationPass
from billing.usage.recalculation_request import FAN_OUT, RecalculationRequest
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import State
from shared.mongo import Mongo
from shared.runtime.leases import LeaseLost
from shared.runtime.shards import shard_of

ACCOUNTS = FIRST_ACCOUNTS + 10
"""More than one batch."""
A, B, C, OTHER = (Ref(RefKind.VENDOR_ACCOUNT, "int", id_) for id_ in ("a", "b", "c", "other"))


def a_request(id_: str, *accounts: Ref, minute: int = 0) -> RecalculationRequest:
    return RecalculationRequest(id_, accounts, {}, NOW + timedelta(minutes=minute))


def a_pass(*requests: RecalculationRequest) -> ReconciliationPass:
    pass_ = ReconciliationPass(NOW)
    for request in requests:
        pass_.add(request)
    return pass_


def news_of_many_accounts() -> list[State]:
    return [a_subscription(1, id_=f"s{place:03}", account=f"a{place:03}") for place in range(ACCOUNTS)]


def test_an_account_that_many_requests_name_is_calculated_once() -> None:
    pass_ = a_pass(a_request("m1", A, B), a_request("m2", B, C))

    assert pass_.next_accounts(10) == [A, B, C]


def test_a_request_is_completed_once_all_accounts_that_it_names_are_finished() -> None:
    pass_ = a_pass(a_request("m1", A, B), a_request("m2", B))

    assert pass_.finish([B, OTHER]) == ["m2"]
    assert pass_.finish([A, B]) == ["m1"]
    assert not pass_


def test_an_account_waits_since_the_oldest_request_that_names_it() -> None:
    pass_ = a_pass(a_request("m1", A, minute=5), a_request("m2", A, minute=3))

    assert pass_.waiting_since(A) == NOW + timedelta(minutes=3)


async def test_all_news_of_a_group_is_reconciled_in_one_step(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(a_mapping("account", "acme", "co1"), a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(8, revision=11), an_agreement_line(6, revision=11))

    await world.leader.step()

    assert await requests_left(world) == 0


async def test_requests_stay_until_all_that_they_name_is_stored(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(*news_of_many_accounts())

    await world.leader.step()
    early = await requests_left(world), len((await world.lines.page(TENANT, limit=ACCOUNTS))[0])
    await world.leader.step()

    assert early == (1, FIRST_ACCOUNTS)
    assert await requests_left(world) == 0


async def test_a_pass_that_is_cut_off_is_taken_up_by_the_next_process(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(*news_of_many_accounts())
    await world.leader.step()
    await world.leader.release()

    await World(mongo).reconcile()

    lines, _ = await world.lines.page(TENANT, limit=ACCOUNTS + 1)
    assert len(lines) == ACCOUNTS


async def test_tenants_take_turns(mongo: Mongo) -> None:
    world = await a_world(mongo)
    await world.read(*news_of_many_accounts())
    await world.read(a_subscription(7, tenant_id="t2", integration_id="int_other"))

    await world.leader.step()
    await world.leader.step()

    [line], _ = await world.lines.page("t2")
    assert line.vendor_count.number == 7
    assert await requests_left(world) == 1


async def test_a_reconciler_that_was_paused_completes_no_request(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_subscription(7), a_mapping("service", "svc1", "prod1"))
    await world.lines.acquire_fence(shard_of(TENANT), "another")
    before = await requests_left(world)

    with pytest.raises(LeaseLost):
        await world.reconciler.process(TENANT, "paused")

    assert await requests_left(world) >= before


async def test_news_of_a_service_waits_in_a_lane_of_its_own_and_reaches_its_accounts(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.read(a_mapping("service", "svc1", None, revision=2))
    lanes = await mongo.documents("work_items", TENANT).distinct("lane")

    await world.reconcile()

    assert lanes == [FAN_OUT]
    assert {line.reason for line in await world.stored()} == {"service excluded"}


async def test_of_news_that_several_note_at_once_the_newest_is_kept(mongo: Mongo) -> None:
    await AccountNews(mongo).note(TENANT, {A: 50})

    await asyncio.gather(*(AccountNews(mongo).note(TENANT, {A: 50 + later}) for later in (3, 5, -4, 1)))

    [row] = await mongo.documents("account_news", TENANT).find()
    assert row["revision"] == 55


async def requests_left(world: World) -> int:
    return await world.mongo.all_tenants("work_items").count()
