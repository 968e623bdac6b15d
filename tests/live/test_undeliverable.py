"""A message that Kafka never takes, in the outbox of a service that goes on working."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import VendorRunFinished
from shared.kafka import client_options
from shared.mongo import Mongo, Session
from shared.outbox import Outbox
from shared.runtime.settings import MongoSettings
from shared.undeliverable import UndeliverableMessages
from standalone.system import System

pytestmark = pytest.mark.live

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
THREE_MEGABYTES = b" " * 3_000_000


def a_report(tenant_id: str, run_id: str) -> VendorRunFinished:
    return VendorRunFinished(
        tenant_id=tenant_id,
        integration_id="int_1",
        run_id=run_id,
        sync_id="s1",
        generation=1,
        kind=RunKind.FULL,
        outcome=Outcome.COMPLETE,
        first_revision=1,
        manifests=0,
        counts={"accounts": 3},
        coverage=1,
        started_at=NOW,
        finished_at=NOW,
    )


async def test_one_message_too_large_for_kafka_stops_no_other_tenant(system: System) -> None:
    mongo = Mongo(MongoSettings(url=SecretStr(system.servers.mongo_url), database="vendor-sync"))
    mark = uuid4().hex
    reports = [a_report(f"poisoned-{mark}", "run_1"), a_report(f"neighbour-{mark}", "run_2")]
    outbox, rows = Outbox(mongo, "vendor-sync"), mongo.all_tenants("outbox")

    async def save(session: Session) -> None:
        await outbox.add(reports, session=session)
        # JSON may have spaces before it: the message is as it was, and larger than Kafka takes.
        (poison,) = await rows.find({"key": reports[0].key}, session=session)
        await rows.change(
            {"_id": poison["_id"]}, {"$set": {"body": THREE_MEGABYTES + poison["body"]}}, session=session
        )

    await mongo.transaction(save)
    arrived = await reports_of(system, {report.tenant_id for report in reports})
    async with asyncio.timeout(60):
        while "outbox" not in (health := await readiness(system))["degraded"]:
            await asyncio.sleep(0.1)
    (letter,) = [one for one in await UndeliverableMessages(mongo).list() if mark in one.key]
    await UndeliverableMessages(mongo).discard(letter.id)
    await mongo.close()

    assert (letter.size_bytes > 3_000_000, letter.ended) == (True, True)
    assert arrived[reports[1].tenant_id] == reports[1]
    short = arrived[reports[0].tenant_id]
    assert (short.outcome, short.counts) == (Outcome.FAILED, {})
    assert (short.reason or "").startswith("what it read could not be reported: Kafka will never take")
    assert (health["ok"], health["faults"]) == (True, [])


async def reports_of(system: System, tenant_ids: set[str]) -> dict[str, VendorRunFinished]:
    """Returns the report of each tenant as it arrived in the topic."""
    found: dict[str, VendorRunFinished] = {}
    async with (
        AIOKafkaConsumer(
            VendorRunFinished.topic,
            **client_options(system.servers.kafka),
            auto_offset_reset="earliest",
        ) as reader,
        asyncio.timeout(120),
    ):
        async for record in reader:
            if b"poisoned-" in record.value or b"neighbour-" in record.value:
                report = VendorRunFinished.model_validate_json(record.value)
                found |= {report.tenant_id: report} if report.tenant_id in tenant_ids else {}
            if len(found) == len(tenant_ids):
                return found
    pytest.fail("the topic ended")


async def readiness(system: System) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = (await client.get(f"{system.urls['vendor-sync']}/health/ready")).json()
    assert isinstance(answer, dict)
    return answer
