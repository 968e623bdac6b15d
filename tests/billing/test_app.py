import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from faststream.kafka import KafkaBroker, TestKafkaBroker
from httpx import ASGITransport, AsyncClient
from manifest_builders import account_reads
from observation_builders import (
    PSA,
    TENANT,
    VENDOR,
    a_finished_run,
    a_mapping,
    a_subscription,
    an_agreement_line,
    an_integration,
)
from people import a_verifier, signed_in

from billing.app import BillingDependencies, make_app
from billing.settings import BillingRules
from billing.usage.calendar import TenantCalendar
from shared.contracts import Message
from shared.contracts.base import Outcome
from shared.kafka import envelope_of, make_broker
from shared.mongo import Mongo
from shared.news_channel import NewsChannel
from shared.runtime.settings import KafkaSettings, MongoSettings, RedisSettings
from shared.status_channel import StatusChannel
from shared.web.person import Role

TODAY = datetime.now(UTC)
BOUGHT, BILLED = a_subscription(7, observed_at=TODAY), an_agreement_line(5, observed_at=TODAY)


@pytest.fixture
async def live(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


async def test_what_is_consumed_becomes_a_line_over_http_and_an_outcome_on_the_channel(
    mongo_settings: MongoSettings, redis_settings: RedisSettings, live: StatusChannel
) -> None:
    async with billing(mongo_settings, redis_settings) as (broker, http):
        await publish(broker, an_integration(VENDOR), an_integration(PSA))
        await publish(broker, a_mapping("account", "acme", "co1"), a_mapping("service", "svc1", "prod1"))
        await publish(broker, BOUGHT, BILLED)
        await publish(broker, *account_reads([BOUGHT, BILLED], read_at=TODAY))
        await publish(broker, a_finished_run(1, started_at=TODAY))
        await publish(broker, a_finished_run(1, started_at=TODAY, integration_id=PSA, sync_id="sync-2"))
        both = await until(lambda: outcomes(live), lambda found: len(found) == 2)
        answer = (await http.get("/usage", headers=signed_in(Role.VIEWER, TENANT))).json()
        ended = (await http.get("/runs", headers=signed_in(Role.VIEWER, TENANT))).json()

    assert both == {VENDOR: Outcome.COMPLETE, PSA: Outcome.COMPLETE}
    [line] = answer["lines"]
    assert (line["line_class"], line["vendor_count"]["number"]) == ("vendor-higher", "7")
    assert {run["state"] for run in ended["runs"]} == {"reconciled"}


async def test_a_working_service_is_alive_and_ready(
    mongo_settings: MongoSettings, redis_settings: RedisSettings
) -> None:
    async with billing(mongo_settings, redis_settings) as (_, http):
        answer = await http.get("/health/live")

    assert answer.json() == {"service": "billing", "ok": True, "faults": []}


@asynccontextmanager
async def billing(
    mongo_settings: MongoSettings, redis_settings: RedisSettings
) -> AsyncIterator[tuple[KafkaBroker, AsyncClient]]:
    """The whole service on in-memory Kafka and real stores."""
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "billing")
    dependencies = BillingDependencies(
        Mongo(mongo_settings),
        broker,
        StatusChannel(redis_settings),
        a_verifier(),
        NewsChannel(redis_settings),
    )
    app = make_app(dependencies, BillingRules((TenantCalendar(id=TENANT, currency="USD"),)))
    http = AsyncClient(transport=ASGITransport(app), base_url="http://billing")
    async with TestKafkaBroker(broker, connect_only=False), app.router.lifespan_context(app), http:
        yield broker, http


async def publish(broker: KafkaBroker, *messages: Message) -> None:
    for message in messages:
        sent = envelope_of(message, source="test")
        await broker.publish(sent.body, sent.topic, key=sent.key.encode(), headers=dict(sent.headers))


async def outcomes(live: StatusChannel) -> dict[str, Any]:
    statuses = await live.snapshot(TENANT)
    return {name: status.outcome for name, status in statuses.items() if status.outcome}


async def until(read: Callable[[], Awaitable[Any]], is_good: Callable[[Any], bool]) -> Any:
    """Reads again and again; returns what is read once it is good."""
    async with asyncio.timeout(60):
        while not is_good(found := await read()):
            await asyncio.sleep(0.05)
    return found
