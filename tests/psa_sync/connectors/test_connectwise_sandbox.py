"""The connector against the sandbox, which was written from the same reference by other hands."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from http_fakes import HASTY
from psa_runs import PsaRunHarness
from writes import WriteHarness, a_write, only_message

from psa_sync.connectors.connectwise.connector import HEADERS, ConnectWiseConnector
from psa_sync.runs.ports import Connect
from psa_sync.writes.ports import LineRef
from sandbox.app import create_app
from sandbox.settings import Settings
from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import AgreementLineObserved, QuantityRefused, QuantityWritten
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


WRITE_MODES = [WriteMode("applied", QuantityWritten, 41), WriteMode("ignored", QuantityRefused, 40)]
WRITE_MODES += [WriteMode("refused", QuantityRefused, 40)]


@pytest.mark.parametrize("mode", WRITE_MODES, ids=lambda mode: mode.writes)
async def test_what_is_reported_is_what_the_sandbox_holds(
    control: httpx.AsyncClient, connect: Connect, mongo: Mongo, mode: WriteMode
) -> None:
    harness = WriteHarness(mongo, connect=connect)
    await control.put("/_sandbox/switches", json={"connectwise.writes": mode.writes})
    command = a_write("41", expected="40", line_id="903").model_copy(update={"agreement_id": "73"})

    await harness.connect_integration()
    await harness.writes.receive([command])
    await harness.work_until_done(LINE)

    only_message(await harness.outbox_messages(), mode.result)
    assert (await additions(control))[903]["quantity"] == mode.quantity
    assert len((await control.get("/_sandbox/writes")).json()["writes"]) == 1
