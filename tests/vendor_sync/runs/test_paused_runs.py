"""Runs of marketplaces that let nobody call for longer than a call waits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpx
import pytest
from http_fakes import Provider, an_api
from marketplace import FakeMarketplace, an_offer, customers
from run_env import RecordingPublisher, RecordingStatusChannel, queue_run, unfenced, working
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, Side
from shared.errors import LongPause
from shared.http_client.rate_limit import RateLimits, RateLimitSettings
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.health import Health
from shared.runtime.settings import RedisSettings
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.jobs import RunJobs
from shared.sync_engine.models import IntegrationState
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import WorkerTools
from vendor_sync.app import PROFILE
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector
from vendor_sync.runs.ports import Marketplace
from vendor_sync.runs.run_definition import VendorRunDefinition
from vendor_sync.runs.stores import stores_in

A_DAY = httpx.Response(429, headers={"Retry-After": "86400"})


@dataclass
class ThrottlingMarketplaces:
    """Opens real connectors: those of one tenant are answered, all others are told to come back tomorrow."""

    rate_limits: RateLimits
    answered_tenant_id: str
    throttled: Provider = field(default_factory=lambda: Provider(A_DAY))

    @asynccontextmanager
    async def open(self, integration: IntegrationState) -> AsyncIterator[Marketplace]:
        if integration.tenant_id == self.answered_tenant_id:
            yield FakeMarketplace(listed_customers=customers("c1"))
            return
        rate_limit = self.rate_limits.of(integration.integration_id)
        async with an_api(self.throttled, rate_limit=rate_limit) as api:
            yield IngramMicroConnector(api)


def jobs_of(
    mongo: Mongo, runs: RunRepository, marketplaces: ThrottlingMarketplaces, health: Health
) -> RunJobs:
    """Eight workers, of which two may be of one tenant."""
    tools = WorkerTools(mongo, unfenced(RecordingPublisher()), RecordingStatusChannel())
    definition = VendorRunDefinition(marketplaces.open, stores_in(mongo))
    return RunJobs(runs, definition, tools, health=health, workers=8, workers_per_tenant=2)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():
        await asyncio.sleep(0.01)


@pytest.mark.timeout(120)
async def test_four_tenants_whose_marketplaces_pause_for_a_day_leave_a_worker_to_a_fifth(
    mongo: Mongo, redis_settings: RedisSettings
) -> None:
    runs = RunRepository(
        mongo, IntegrationStates(mongo, Side.VENDOR), Outbox(mongo, "vendor-sync"), PROFILE.message_types
    )
    rate_limits = RateLimits(redis_settings, RateLimitSettings())
    marketplaces = ThrottlingMarketplaces(rate_limits, "fifth")
    for tenant in range(4):
        for integration in range(2):
            await queue_run(mongo, runs, f"tenant_{tenant}", f"int_{tenant}_{integration}_{uuid4().hex}")

    async def all_were_throttled() -> bool:
        return len(marketplaces.throttled.requests) >= 8

    async def fifth_finished() -> bool:
        return await mongo.documents("runs", "fifth").count({"state": "complete"}) == 1

    health = Health("vendor-sync")
    async with working(jobs_of(mongo, runs, marketplaces, health), health):
        await until(all_were_throttled)
        await queue_run(mongo, runs, "fifth", "int_fifth")
        await until(fifth_finished)

    rows = await mongo.all_tenants("runs").find({"tenant_id": {"$ne": "fifth"}})
    assert [row["state"] for row in rows] == ["running"] * 8
    assert all(row["not_before"] for row in rows)
    # Once each: whoever was told to come back tomorrow does not ask again.
    assert len(marketplaces.throttled.requests) == 8
    await rate_limits.close()


async def test_a_quota_spent_amid_the_details_costs_no_detail(mongo: Mongo) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))
    harness.marketplace.put(*(an_offer(f"s{n:02}", "offer", n) for n in range(12)))
    left = iter(range(5))

    async def spend(_: str) -> None:
        if next(left, None) is None:
            raise LongPause("GET api.example/subscriptions answered 403: quota", retry_after=18_730)

    harness.marketplace.before_answer = spend
    await harness.queue()
    await harness.worker().step()

    run = (await mongo.all_tenants("runs").find())[0]
    states = [row["state"] for row in await mongo.all_tenants("subscriptions").find()]
    assert (run["phase"], run["phase_total"]) == ("details", 12)
    # Five were answered: one as the first of its offer, four with their account.
    assert (states.count("done"), states.count("due")) == (4, 8)

    left = iter(range(100))
    harness.marketplace.calls.clear()
    await mongo.all_tenants("runs").change({}, {"$set": {"not_before": None}})
    await harness.worker().step()

    finished = await harness.last_finished()
    assert (finished.outcome, finished.counts["details"]) == (Outcome.COMPLETE, 12)
    assert len(harness.marketplace.calls) == 8


@pytest.mark.parametrize("listing", ["accounts", "active"])
async def test_a_quota_spent_amid_a_list_puts_the_run_down(mongo: Mongo, listing: str) -> None:
    harness = VendorRunHarness(mongo, FakeMarketplace(listed_customers=customers("c1")))

    async def spent(name: str) -> None:
        if name == listing:
            raise LongPause("GET api.example/customers answered 403: quota", retry_after=18_730)

    harness.marketplace.before_listing = spent
    await harness.queue()
    await harness.worker().step()

    [run] = await mongo.all_tenants("runs").find()
    assert (run["state"], run["not_before"] is None) == ("running", False)
    assert await mongo.all_tenants("outbox").find() == []
