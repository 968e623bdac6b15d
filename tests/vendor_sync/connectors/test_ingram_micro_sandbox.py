"""The connector against the sandbox, which was written from the same reference by other hands."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import FastAPI
from ingram import QUICK
from sandboxes import INGRAM, ingram_headers, sign_in
from vendor_runs import VendorRunHarness

from sandbox.app import create_app
from sandbox.journal import RecordedCall
from sandbox.settings import Settings
from sandbox.world import World
from shared.contracts.base import NoNumber, Outcome
from shared.contracts.vendor_sync import SubscriptionObserved, VendorAccountObserved, VendorAccountRead
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
async def harness(app: FastAPI, world: World, mongo: Mongo) -> VendorRunHarness:
    transport, headers = httpx.ASGITransport(app), ingram_headers(world.identity)
    async with httpx.AsyncClient(transport=transport, base_url=INGRAM, headers=headers) as client:
        token = (await sign_in(client, world.identity)).json()["token"]
    source = FixedAccess(Access(INGRAM, headers | {"Authorization": f"Bearer {token}"}))
    outbound = OutboundSettings(allowed_origins=(INGRAM.removesuffix("/marketplace/na"),))

    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[IngramMicroConnector]:
        async with Api(source, outbound=outbound, policy=QUICK, transport=transport) as api:
            yield IngramMicroConnector(api)

    return VendorRunHarness(mongo, connect=connect)


async def test_a_run_reads_all_that_is_billable_with_the_fewest_calls(
    harness: VendorRunHarness, world: World
) -> None:
    calls_before = world.journal.last

    finished = await harness.run()

    billable = [
        subscription
        for subscription in world.marketplace.subscriptions.values()
        if subscription.status in ("active", "hold")
    ]
    assert (finished.outcome, finished.reason) == (Outcome.COMPLETE, None)
    assert finished.counts["subscriptions"] == len(billable)
    assert len(harness.published(VendorAccountObserved)) == len(world.marketplace.customers)
    pages = sum(
        -(-len([row for row in billable if row.status == status]) // 500) for status in ("active", "hold")
    )
    customer_pages = -(-len(world.marketplace.customers) // 500)
    offers = {(row.name, str(row.offer.term), str(row.offer.billing)) for row in billable}
    # One subscription of each offer that was never seen is read first, and again with its account.
    assert world.journal.last - calls_before == customer_pages + 2 * pages + len(billable) + len(offers)


async def test_each_kind_of_call_is_made_as_often_as_it_must_be(
    harness: VendorRunHarness, world: World
) -> None:
    """One subscription has changed since the run before."""
    await harness.run("first")
    await harness.run("second")
    billable = [row for row in world.marketplace.subscriptions.values() if row.status in ("active", "hold")]
    changed = next(row for row in billable if row.lines)
    changed.lines[0].quantity = 7777
    # What is bought by the same service in the same account is read again with it.
    again = {
        row.id
        for row in billable
        if row.customer_id == changed.customer_id
        and {line.offer.mpn for line in row.lines} & {line.offer.mpn for line in changed.lines}
    }
    calls_before = world.journal.last

    finished = await harness.run("third")

    calls = list(world.journal.calls(after=calls_before))
    kinds = Counter(_kind(call) for call in calls)
    assert kinds == {
        "customers": 1,
        "all subscriptions": 2 * 2,
        "subscriptions of an account": 1,
        "details": len(billable) + len(again),
    }
    assert finished.exceptions == ()


def _kind(call: RecordedCall) -> str:
    """Returns what a call asks for; every list of this small world is one page."""
    path = call.path.rpartition("/na/")[2]
    if path == "subscriptions":
        return "subscriptions of an account" if "customerId=" in call.query else "all subscriptions"
    return "details" if path.startswith("subscriptions/") else path


async def test_the_quantities_are_those_of_the_marketplace(harness: VendorRunHarness, world: World) -> None:
    await harness.run()

    published = {
        observation.subscription_id: [(line.quantity, line.missing) for line in observation.lines]
        for observation in harness.published(SubscriptionObserved)
        if observation.detailed
    }
    for id_, lines in published.items():
        held_lines = world.marketplace.subscriptions[id_].lines
        assert [str(quantity) for quantity, _ in lines if quantity is not None] == [
            str(line.quantity) for line in held_lines
        ]
        assert held_lines or lines == [(None, NoNumber.UNQUANTIFIED)]


async def test_a_second_run_publishes_manifests_and_nothing_new(harness: VendorRunHarness) -> None:
    await harness.run("first")
    harness.publisher.messages.clear()

    finished = await harness.run("second")

    assert (len(harness.publisher.messages), finished.outcome) == (finished.manifests, Outcome.COMPLETE)
    assert finished.manifests == len(harness.published(VendorAccountRead))


async def test_customers_are_observed_with_what_helps_to_recognise_them(
    harness: VendorRunHarness, world: World
) -> None:
    await harness.run()

    details = {id_: customer.details for id_, customer in world.marketplace.customers.items()}
    for account in harness.published(VendorAccountObserved):
        known = details[account.account_id]
        assert (account.town, account.postcode, account.country) == (
            known.city,
            known.postal_code,
            known.country_code,
        )
        assert account.tax_id == (known.tax_reg_id and known.tax_reg_id.replace("-", ""))
        domain = known.email.partition("@")[2]
        assert account.domains == (() if domain == "gmail.com" else (domain,))
