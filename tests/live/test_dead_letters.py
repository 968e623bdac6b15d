"""Bad messages on a real topic: each is set aside with its origin, its neighbours arrive."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from reviewed_system import ReviewedSystem

from shared.contracts.vendor_sync import VendorAccountObserved
from shared.kafka import client_options

pytestmark = pytest.mark.live

TOPIC = VendorAccountObserved.topic
BAD = {
    b"not json \xff": [],
    b"": [],
    b'{"tenant_id": "demo"}': [],
    b'{"other": "kind"}': [("ce_type", b"somebody.else.v1"), ("broken", b"\xff\xfe")],
}


def a_neighbour(name: str) -> bytes:
    seen = {"run_id": "run_x", "generation": 1, "observed_at": "2026-03-02T10:00:00Z", "revision": 1}
    account = {"integration_id": "int_neighbours", "account_id": name, "name": name, "status": "active"}
    return (
        VendorAccountObserved.model_validate({"tenant_id": "demo", **seen, **account})
        .model_dump_json()
        .encode()
    )


async def test_bad_messages_are_set_aside_and_their_neighbours_unharmed(reviewed: ReviewedSystem) -> None:
    records = [(a_neighbour("Neighbour A"), []), *BAD.items(), (a_neighbour("Neighbour B"), [])]

    async with AIOKafkaProducer(**client_options(reviewed.system.servers.kafka)) as producer:
        sent = [
            await producer.send_and_wait(TOPIC, body, key=b"demo:neighbours", partition=0, headers=headers)
            for body, headers in records
        ]
    letters = {
        service: await letters_of(reviewed, service, sent[0].offset) for service in ("matcher", "billing")
    }

    expected = {f"{TOPIC}:0:{record.offset}": body for record, body in zip(sent[1:5], BAD, strict=True)}
    assert letters == {"matcher": expected, "billing": expected}
    async with asyncio.timeout(120):
        while await neighbours(reviewed) != ["Neighbour A", "Neighbour B"]:
            await asyncio.sleep(0.1)


async def letters_of(reviewed: ReviewedSystem, service: str, since: int) -> dict[str, bytes]:
    """What the service set aside of our records, by origin."""
    found: dict[str, bytes] = {}
    async with (
        AIOKafkaConsumer(
            f"{service}.dead-letter.v1",
            **client_options(reviewed.system.servers.kafka),
            auto_offset_reset="earliest",
        ) as reader,
        asyncio.timeout(120),
    ):
        async for record in reader:
            origin = dict(record.headers)["x-origin"].decode()
            topic, partition, offset = origin.rsplit(":", 2)
            if (topic, partition) == (TOPIC, "0") and int(offset) >= since:
                found[origin] = record.value
            if len(found) == len(BAD):
                return found
    pytest.fail("the topic ended")


async def neighbours(reviewed: ReviewedSystem) -> list[str]:
    accounts = await reviewed.client.list_all("matcher", "/accounts?side=vendor&search=neighbour", "accounts")
    return [account["name"] for account in accounts]
