"""The connector against the sandbox, which was written from the same reference by other hands."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from http_fakes import HASTY
from psa_runs import PsaRunHarness
from writes import WriteHarness, a_write, only_message

from psa_sync.connectors.connectwise.connector import HEADERS, ConnectWiseConnector
from psa_sync.psa import PsaLine
from psa_sync.runs.ports import Connect
from psa_sync.writes.ports import LineRef
from sandbox.app import create_app
from sandbox.settings import Settings
from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    ProductObserved,
    PsaAccountObserved,
    QuantityRefused,
    QuantityWritten,
    WriteQuantity,
)
from shared.contracts.quantity_write import LineTerms, WriteRefusal
from shared.http_client.access_source import Access, FixedAccess
from shared.http_client.client import Api
from shared.mongo import Mongo
from shared.runtime.settings import OutboundSettings
from shared.sync_engine.models import IntegrationState

ORIGIN = "https://sandbox.example"


LINE = LineRef("demo", "int_1", "903")


@pytest.fixture
def app() -> FastAPI:
    return create_app(Settings(port=1, seed=7))


@pytest.fixture
async def control(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox's control API."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def connect(app: FastAPI, control: httpx.AsyncClient) -> Connect:
    """A connection with the sandbox's own credentials."""
    keys = (await control.get("/_sandbox/credentials")).json()["connectwise"]
    secret = f"{keys['company']}+{keys['public_key']}:{keys['private_key']}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(secret).decode()}", "clientId": keys["client_id"]}
    source = FixedAccess(Access(f"{ORIGIN}/v4_6_release/apis/3.0", headers))

    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[ConnectWiseConnector]:
        async with Api(
            source,
            outbound=OutboundSettings(),
            headers=HEADERS,
            policy=HASTY,
            transport=httpx.ASGITransport(app),
        ) as api:
            yield ConnectWiseConnector(api)

    return connect


def as_shown(command: WriteQuantity, line: PsaLine) -> WriteQuantity:
    """Returns the command to write to this line, with what a person is shown of it now."""
    terms = LineTerms(
        account_id=line.agreement.company_id,
        product_id=line.product_id,
        billable=line.billable,
        included=line.included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        currency=line.agreement.currency,
    )
    fields = {"line_id": line.line_id, "agreement_id": line.agreement.agreement_id, "terms": terms}
    return command.model_copy(update=fields)


async def a_write_to_the_sandbox(harness: WriteHarness) -> WriteQuantity:
    """Returns the command to write 41 where the sandbox's line 903 holds 40, on the terms that it shows."""
    integration = await harness.integrations.get("demo", "int_1")
    assert integration
    async with harness.writer().connect(integration) as psa:
        line = await psa.line("73", "903")
    assert line
    assert line.starts_on  # in the world of the sandbox, whose days are later than those of the harness
    return as_shown(a_write("41", expected="40"), line).model_copy(update={"day": line.starts_on})


async def a_harness_with_a_write(mongo: Mongo, connect: Connect) -> WriteHarness:
    harness = WriteHarness(mongo, connect=connect)
    await harness.connect_integration()
    await harness.writes.receive([await a_write_to_the_sandbox(harness)])
    return harness


async def additions(control: httpx.AsyncClient) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in (await control.get("/_sandbox/additions")).json()}


async def test_a_run_reads_every_line_that_the_sandbox_has(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo
) -> None:
    harness = PsaRunHarness(mongo, connect=connect)

    finished = await harness.run()

    read = {int(line.line_id): line for line in harness.published(AgreementLineObserved)}
    additions_held = await additions(control)
    assert finished.outcome is Outcome.COMPLETE
    assert {id_: line.quantity for id_, line in read.items()} == {
        id_: Decimal(str(row["quantity"])) for id_, row in additions_held.items()
    }
    assert {line.currency for line in read.values()} == {"USD"}


async def test_companies_and_products_are_observed_with_what_helps_to_recognise_them(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo
) -> None:
    harness = PsaRunHarness(mongo, connect=connect)

    await harness.run()

    held = (await control.get("/_sandbox/state")).json()["connectwise"]
    companies = {str(row["id"]): row for row in held["companies"]}
    for account in harness.published(PsaAccountObserved):
        row = companies[account.account_id]
        website = row.get("website", "").removeprefix("https://www.")
        assert (account.town, account.status, account.types) == (row["city"], "Active", ("Client",))
        assert account.domains == ((website,) if website else ())
    products = {product.product_key: product for product in harness.published(ProductObserved)}
    assert (products["M365-BP"].vendor, products["M365-BP"].category) == ("Microsoft", "Software")
    assert (products["RMM-SEAT"].vendor, products["RMM-SEAT"].description) == (None, None)


async def test_a_line_that_changed_in_the_sandbox_is_collected_until_it_is_known(
    connect: Connect, mongo: Mongo
) -> None:
    harness = PsaRunHarness(mongo, connect=connect)
    await harness.run()
    integration = await harness.integrations.get("demo", "int_1")
    assert integration is not None
    async with connect(integration) as psa:
        await psa.set_quantity("73", "903", Decimal(44))

    finished = await harness.run()

    [changed] = harness.published(AgreementLineObserved)
    manifest = harness.manifests()[changed.account_id]
    assert (await harness.quantities(changed.account_id))["903"] == 44
    assert all(not span.is_empty for span in manifest.spans)
    assert (finished.outcome, finished.exceptions, finished.unread_accounts) == (Outcome.COMPLETE, (), ())


class WriteMode(NamedTuple):
    """How the sandbox takes writes, and how a write must end."""

    writes: str
    result: type[Message]
    quantity: float


async def test_a_foreign_write_between_our_reading_and_our_patch_is_a_conflict_that_names_it(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo
) -> None:
    harness = await a_harness_with_a_write(mongo, connect)
    await control.put("/_sandbox/switches", json={"connectwise.foreign_change": {"quantity": 7}})

    await harness.work_until_done(LINE)

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.CONFLICT, False)
    assert refused.foreign
    assert (refused.foreign.quantity, refused.foreign.updated_by) == (Decimal(7), "jdoe")
    assert (await additions(control))[903]["quantity"] == 7
    assert (await control.get("/_sandbox/writes")).json()["writes"] == []


async def test_a_foreign_write_that_our_late_patch_overwrote_is_reported_with_both_numbers(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo
) -> None:
    harness = await a_harness_with_a_write(mongo, connect)
    switches = "/_sandbox/switches"
    await control.put(switches, json={"connectwise.writes": "held"})
    await harness.work_once(LINE)
    foreign = {"quantity": 7, "after_reads": 0}
    await control.put(switches, json={"connectwise.foreign_change": foreign})
    harness.now += timedelta(minutes=2)
    await harness.work_once(LINE)
    await control.put(switches, json={"connectwise.writes": None})

    await harness.work_until_done(LINE)

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert (written.before, written.after, written.sent) == (Decimal(40), Decimal(41), True)
    assert written.overwritten
    assert (written.overwritten.quantity, written.overwritten.updated_by) == (Decimal(7), "jdoe")
    assert (await additions(control))[903]["quantity"] == 41


async def test_a_foreign_write_in_the_last_moment_before_our_patch_leaves_no_trace(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo
) -> None:
    # No write is conditional, and the one stamp that there is names ourselves afterwards (psa-apis §2.9).
    harness = await a_harness_with_a_write(mongo, connect)
    foreign = {"quantity": 7, "after_reads": 2}
    await control.put("/_sandbox/switches", json={"connectwise.foreign_change": foreign})

    await harness.work_until_done(LINE)

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert (written.before, written.after, written.overwritten) == (Decimal(40), Decimal(41), None)


WRITE_MODES = [WriteMode("applied", QuantityWritten, 41), WriteMode("ignored", QuantityRefused, 40)]
WRITE_MODES += [WriteMode("refused", QuantityRefused, 40)]


@pytest.mark.parametrize("mode", WRITE_MODES, ids=lambda mode: mode.writes)
async def test_what_is_reported_is_what_the_sandbox_holds(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo, mode: WriteMode
) -> None:
    await control.put("/_sandbox/switches", json={"connectwise.writes": mode.writes})
    harness = await a_harness_with_a_write(mongo, connect)
    await harness.work_until_done(LINE)

    only_message(await harness.outbox_messages(), mode.result)
    assert (await additions(control))[903]["quantity"] == mode.quantity
    assert len((await control.get("/_sandbox/writes")).json()["writes"]) == 1
