"""Matcher as a process runs it, on in-memory Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from catalogue_builders import (
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from ended_runs import EndedRuns
from faststream.kafka import KafkaBroker, TestKafkaBroker
from news_reader import no_news, reading_news
from people import a_verifier, signed_in

from matcher.app import SERVICE, make_app
from shared.contracts.base import Observation
from shared.contracts.matcher import MappingDecided
from shared.contracts.run_end import RunFinished
from shared.kafka import Publisher, make_broker
from shared.mongo import Mongo
from shared.news_channel import NewsChannel
from shared.runtime.settings import KafkaSettings, RedisSettings
from shared.web.person import Role


@asynccontextmanager
async def running(
    mongo: Mongo, news: NewsChannel | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, KafkaBroker, list[MappingDecided]]]:
    """Yields a client, the broker, and the list to which published decisions are added."""
    broker, published = make_broker(KafkaSettings(servers="127.0.0.1:1"), SERVICE), list[MappingDecided]()

    @broker.subscriber(MappingDecided.topic, group_id="reader")
    async def read(body: bytes) -> None:
        published.append(MappingDecided.model_validate(body))

    app = make_app(mongo, broker, a_verifier(), news or no_news())
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://matcher")
    async with TestKafkaBroker(broker, connect_only=False), app.router.lifespan_context(app), client:
        yield client, broker, published


async def test_observations_and_the_ends_of_their_runs_lead_to_published_mappings(mongo: Mongo) -> None:
    seen = [
        a_vendor_account("1", "Contoso"),
        a_psa_account("9", "Contoso"),
        a_service("s1", "Mail", "MPN-1"),
        a_product("p1", "Post", "MPN-1"),
    ]
    async with running(mongo) as (client, broker, published):
        await Publisher(broker, "test").publish([*seen, an_integration(), a_psa(), *ends_after(*seen)])
        await until_published(published, 2)
        shown = await client.get("/mappings", headers=signed_in(Role.VIEWER))

    assert {(mapping.vendor_id, mapping.psa_id) for mapping in published} == {("1", "9"), ("s1", "p1")}
    assert len(shown.json()["mappings"]) == 2


async def test_a_run_is_shown_as_it_goes_and_mapped_when_it_has_ended(mongo: Mongo) -> None:
    seen = [a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")]
    vendor_end, psa_end = ends_after(*seen)
    async with running(mongo) as (client, broker, published):
        await Publisher(broker, "test").publish([an_integration(), a_psa(), vendor_end, *seen])
        accounts = await client.get("/accounts", params={"side": "psa"}, headers=signed_in(Role.VIEWER))
        await until_undecided(mongo)
        before = list(published)
        await Publisher(broker, "test").publish([psa_end])
        await until_published(published, 1)

    assert [account["name"] for account in accounts.json()["accounts"]] == ["Contoso"]
    assert (before, [mapping.psa_id for mapping in published]) == ([], ["9"])


async def test_a_message_that_cannot_be_read_holds_up_no_other(mongo: Mongo) -> None:
    vendor, psa = a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")
    async with running(mongo) as (_, broker, published):
        await Publisher(broker, "test").publish([an_integration(), a_psa(), psa])
        await broker.publish(b"\xff", a_vendor_account("1", "x").topic, key=b"demo:bad")
        await Publisher(broker, "test").publish([vendor, *ends_after(vendor, psa)])
        await until_published(published, 1)

    assert [mapping.psa_id for mapping in published] == ["9"]


async def test_matcher_is_alive_and_ready(mongo: Mongo) -> None:
    async with running(mongo) as (client, _, _):
        live, ready = await client.get("/health/live"), await client.get("/health/ready")

    assert live.json() == {"service": "matcher", "ok": True, "faults": []}
    assert ready.json()["faults"] in ([], ["kafka"])


async def test_whoever_looks_is_told_of_a_decision(mongo: Mongo, redis_settings: RedisSettings) -> None:
    seen = [a_vendor_account("a/b", "Contoso"), a_psa_account("9", "Contoso")]
    running_matcher = running(mongo, NewsChannel(redis_settings))
    async with reading_news(redis_settings, "demo") as next_news, running_matcher as (_, broker, _):
        await Publisher(broker, "test").publish([an_integration(), a_psa(), *seen, *ends_after(*seen)])
        news = await next_news()

    assert (news.kind, news.id, news.state) == ("mapping", f"account/{VENDOR}/a%2Fb", "approved")


async def test_without_redis_decisions_are_made_and_the_service_is_degraded(mongo: Mongo) -> None:
    seen = [a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso")]
    async with running(mongo) as (client, broker, published):
        await Publisher(broker, "test").publish([an_integration(), a_psa(), *seen, *ends_after(*seen)])
        await until_published(published, 1)
        ready = await client.get("/health/ready")

    assert [mapping.psa_id for mapping in published] == ["9"]
    assert "news" in ready.json()["degraded"]
    assert ready.json()["faults"] in ([], ["kafka"])


def ends_after(*seen: Observation) -> list[RunFinished]:
    """Returns the ends of the vendor's run and of the PSA's, which have stated these."""
    runs = EndedRuns()
    for observed in seen:
        runs.note(observed)
    return runs.end(VENDOR) + runs.end(PSA)


async def until_published(published: list[MappingDecided], number: int) -> None:
    """Within a minute, or the test shows what is missing."""
    end = time.monotonic() + 60
    while len(published) < number and time.monotonic() < end:
        await asyncio.sleep(0.02)


async def until_undecided(mongo: Mongo) -> None:
    """Within a minute: the matching has looked at a vendor's accounts, and could decide on none."""
    end = time.monotonic() + 60
    while not await mongo.all_tenants("undecided").find() and time.monotonic() < end:
        await asyncio.sleep(0.02)
    assert await mongo.all_tenants("undecided").find()
