"""Approvals on real servers: whatever is repeated, late or stale, the PSA gets one write at most."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from reviewed_system import ReviewedSystem

from shared.contracts.psa_sync import WriteQuantity
from shared.kafka import client_options
from standalone.demo.failure import DemoFailure

pytestmark = pytest.mark.live


def psa_line_of(line: dict[str, Any]) -> str:
    return str(line["evidence"]["billed"][0]["line_id"])


async def post(reviewed: ReviewedSystem, line: dict[str, Any], *, key: str, seal: str | None = None) -> Any:
    body = {"seal": seal or line["seal"]}
    return await reviewed.client.request(
        "POST", "billing", f"/usage/{line['line_id']}/approvals", body, key=key
    )


async def test_the_same_decision_posted_twice_at_once_is_written_once(reviewed: ReviewedSystem) -> None:
    line, key = reviewed.story.line_of("increase"), str(uuid4())

    first, second = await asyncio.gather(post(reviewed, line, key=key), post(reviewed, line, key=key))

    assert first["approval_id"] == second["approval_id"]
    assert (await reviewed.client.wait_for_approval(first["approval_id"]))["state"] == "written"
    [write] = await reviewed.writes_to(psa_line_of(line))
    assert (write["before"], write["after"]) == (
        float(line["psa_count"]["number"]),
        float(line["vendor_count"]["number"]),
    )


async def test_a_decision_on_old_evidence_is_refused_with_the_line_as_it_is_now(
    reviewed: ReviewedSystem,
) -> None:
    line = reviewed.story.line_of("decrease")

    with pytest.raises(DemoFailure) as refused:
        await post(reviewed, line, key=str(uuid4()), seal="0" * 64)

    assert refused.value.status == 409
    assert refused.value.document["line"]["seal"] == line["seal"]
    assert await reviewed.writes_to(psa_line_of(line)) == []


async def test_a_line_has_one_approval_in_flight(reviewed: ReviewedSystem) -> None:
    line = reviewed.story.line_of("two_subscriptions")
    await reviewed.control("PUT", "switches", {"latency_ms": 1500})

    first = await post(reviewed, line, key=str(uuid4()))
    with pytest.raises(DemoFailure) as refused:
        await post(reviewed, line, key=str(uuid4()))
    await reviewed.control("PUT", "switches", {"latency_ms": 0})

    assert refused.value.status == 409
    assert (await reviewed.client.wait_for_approval(first["approval_id"]))["state"] == "written"
    assert len(await reviewed.writes_to(psa_line_of(line))) == 1


async def test_a_command_that_is_delivered_again_is_not_carried_out_again(reviewed: ReviewedSystem) -> None:
    line = reviewed.story.line_of("last_seat_gone")
    approval = await post(reviewed, line, key=str(uuid4()))
    await reviewed.client.wait_for_approval(approval["approval_id"])

    before = await reviewed.record_counts(("psa-sync.quantity-written.v1",))
    await redelivered(reviewed, approval["approval_id"])
    await answered_again(reviewed, before)

    assert len(await reviewed.writes_to(psa_line_of(line))) == 1
    assert (await reviewed.client.wait_for_approval(approval["approval_id"]))["state"] == "written"


async def redelivered(reviewed: ReviewedSystem, approval_id: str) -> None:
    """The command's own bytes, headers and key once more."""
    kafka = client_options(reviewed.system.servers.kafka)
    async with (
        AIOKafkaConsumer(WriteQuantity.topic, auto_offset_reset="earliest", **kafka) as reader,
        AIOKafkaProducer(**kafka) as writer,
        asyncio.timeout(120),
    ):
        async for record in reader:
            if WriteQuantity.model_validate_json(record.value).approval_id == approval_id:
                await writer.send_and_wait(
                    record.topic, record.value, key=record.key, headers=list(record.headers)
                )
                return


async def answered_again(reviewed: ReviewedSystem, before: dict[str, int]) -> None:
    async with asyncio.timeout(120):
        while await reviewed.record_counts(tuple(before)) == before:
            await asyncio.sleep(0.1)
