"""The connector against the sandbox, which was written from the same reference by other hands."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from ingram import QUICK
from sandboxes import INGRAM, ingram_headers, sign_in
from vendor_runs import Stage

from sandbox.app import create_app
from sandbox.settings import Settings
from sandbox.world import World
from shared.contracts.base import NoNumber, Outcome
from shared.contracts.vendor_sync import SubscriptionObserved, VendorAccountObserved
from shared.http_client.access_source import Access, FixedAccess
from shared.http_client.client import Api
from shared.mongo import Mongo
from shared.runtime.settings import OutboundSettings
from shared.sync_engine.models import IntegrationState
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector


@pytest.fixture
def app() -> FastAPI:
    return create_app(Settings(port=1, seed=7, subscriptions=60))


@pytest.fixture
def world(app: FastAPI) -> World:
    found: World = app.state.world
    return found


@pytest.fixture
async def stage(app: FastAPI, world: World, mongo: Mongo) -> Stage:
    transport, headers = httpx.ASGITransport(app), ingram_headers(world.identity)
    async with httpx.AsyncClient(transport=transport, base_url=INGRAM, headers=headers) as client:
        token = (await sign_in(client, world.identity)).json()["token"]
    source = FixedAccess(Access(INGRAM, headers | {"Authorization": f"Bearer {token}"}))
    outbound = OutboundSettings(allowed_origins=(INGRAM.removesuffix("/marketplace/na"),))

    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[IngramMicroConnector]:
        async with Api(source, outbound=outbound, policy=QUICK, transport=transport) as api:
            yield IngramMicroConnector(api)

    return Stage(mongo, connect=connect)


async def test_a_run_reads_all_that_is_billable_with_the_fewest_calls(stage: Stage, world: World) -> None:
    asked_before = world.journal.last

    finished = await stage.run()

    billable = [
        subscription
        for subscription in world.marketplace.subscriptions.values()
        if subscription.status in ("active", "hold")
    ]
    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert finished.counts["subscriptions"] == len(billable)
    assert finished.published[VendorAccountObserved.topic] == len(world.marketplace.customers)
    pages = sum(-(-len([one for one in billable if one.status == s]) // 500) for s in ("active", "hold"))
    customer_pages = -(-len(world.marketplace.customers) // 500)
    assert world.journal.last - asked_before == customer_pages + 2 * pages + len(billable)


async def test_the_quantities_are_those_of_the_marketplace(stage: Stage, world: World) -> None:
    await stage.run()

    told = {
        seen.subscription_id: [(line.quantity, line.missing) for line in seen.lines]
        for seen in stage.said(SubscriptionObserved)
        if seen.detailed
    }
    for id_, lines in told.items():
        there = world.marketplace.subscriptions[id_].lines
        assert [str(quantity) for quantity, _ in lines if quantity is not None] == [
            str(line.quantity) for line in there
        ]
        assert there or lines == [(None, NoNumber.UNQUANTIFIED)]


async def test_a_second_run_says_nothing_new(stage: Stage) -> None:
    await stage.run("first")
    told = len(stage.kafka.messages)

    finished = await stage.run("second")

    assert (len(stage.kafka.messages), finished.outcome) == (told, Outcome.COMPLETE)
