"""Matcher as a process runs it, on in-memory Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from faststream.kafka import KafkaBroker, TestKafkaBroker
from people import a_verifier, signed_in

from matcher.app import SERVICE, make_app
from shared.contracts.matcher import MappingDecided
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings
from shared.web.token_verification import Role


@asynccontextmanager
async def running(mongo: Mongo) -> AsyncIterator[tuple[httpx.AsyncClient, KafkaBroker, list[MappingDecided]]]:
    """With all that it publishes on the topic of decisions."""
    broker, heard = make_broker(KafkaSettings(servers="127.0.0.1:1"), SERVICE), list[MappingDecided]()

    @broker.subscriber(MappingDecided.topic, group_id="reader")
    async def read(body: bytes) -> None:
        heard.append(MappingDecided.model_validate(body))

    app = make_app(mongo, broker, a_verifier())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://matcher")
    async with TestKafkaBroker(broker, connect_only=False), app.router.lifespan_context(app), client:
        yield client, broker, heard


async def test_from_what_is_heard_to_what_is_said(mongo: Mongo) -> None:
    async with running(mongo) as (client, broker, heard):
        await Publisher(broker, "test").publish(
            [
                a_vendor_account("1", "Contoso"),
                a_psa_account("9", "Contoso"),
                a_service("s1", "Mail", "MPN-1"),
                a_product("p1", "Post", "MPN-1"),
                an_integration(),
                a_psa(),
            ]
        )
        await until_heard(heard, 2)
        shown = await client.get("/mappings", headers=signed_in(Role.VIEWER))

    assert {(said.vendor_id, said.psa_id) for said in heard} == {("1", "9"), ("s1", "p1")}
    assert len(shown.json()["mappings"]) == 2


async def test_a_message_that_cannot_be_read_holds_up_no_other(mongo: Mongo) -> None:
    async with running(mongo) as (_, broker, heard):
        await Publisher(broker, "test").publish([an_integration(), a_psa(), a_psa_account("9", "Contoso")])
        await broker.publish(b"\xff", a_vendor_account("1", "x").topic, key=b"demo:bad")
        await Publisher(broker, "test").publish([a_vendor_account("1", "Contoso")])
        await until_heard(heard, 1)

    assert [said.psa_id for said in heard] == ["9"]


async def test_matcher_is_alive_and_ready(mongo: Mongo) -> None:
    async with running(mongo) as (client, _, _):
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert live.json() == {"service": "matcher", "ok": True, "faults": []}
    assert ready.json()["faults"] in ([], ["kafka"])


async def until_heard(heard: list[MappingDecided], number: int) -> None:
    """Within a minute, or the test says what is missing."""
    end = time.monotonic() + 60
    while len(heard) < number and time.monotonic() < end:
        await asyncio.sleep(0.02)
