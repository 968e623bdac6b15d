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
from writes import WriteHarness, a_write, the_only

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
async def far(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox's control API."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        yield client


@pytest.fixture
async def door(app: FastAPI, far: httpx.AsyncClient) -> Connect:
    """A connection with the sandbox's own credentials."""
    keys = (await far.get("/_sandbox/credentials")).json()["connectwise"]
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


async def additions(far: httpx.AsyncClient) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in (await far.get("/_sandbox/additions")).json()}


async def test_a_run_reads_every_line_that_the_sandbox_has(
    far: httpx.AsyncClient, door: Connect, mongo: Mongo
) -> None:
    site = PsaRunHarness(mongo, connect=door)

    finished = await site.sync()

    seen = {int(line.line_id): line for line in site.published(AgreementLineObserved)}
    there = await additions(far)
    assert finished.outcome is Outcome.COMPLETE
    assert {id_: line.quantity for id_, line in seen.items()} == {
        id_: Decimal(str(row["quantity"])) for id_, row in there.items()
    }
    assert {line.currency for line in seen.values()} == {"USD"}


class Mood(NamedTuple):
    """How the sandbox takes writes, and what must come of one."""

    writes: str
    said: type[Message]
    held: float


MOODS = [Mood("applied", QuantityWritten, 41), Mood("ignored", QuantityRefused, 40)]
MOODS += [Mood("refused", QuantityRefused, 40)]


@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.writes)
async def test_what_is_reported_is_what_the_sandbox_holds(
    far: httpx.AsyncClient, door: Connect, mongo: Mongo, mood: Mood
) -> None:
    bench = WriteHarness(mongo, door=door)
    await far.put("/_sandbox/switches", json={"connectwise.writes": mood.writes})
    command = a_write("41", expected="40", line_id="903").model_copy(update={"agreement_id": "73"})

    await bench.connect()
    await bench.writes.ask([command])
    await bench.settle(LINE)

    the_only(await bench.said(), mood.said)
    assert (await additions(far))[903]["quantity"] == mood.held
    assert len((await far.get("/_sandbox/writes")).json()["writes"]) == 1
