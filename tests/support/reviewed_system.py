"""The live system with the story played up to the review, for the tests that continue from there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts import MESSAGES, Observation
from shared.kafka import client_options
from standalone.demo.client import DemoClient
from standalone.demo.story import DemoStory
from standalone.system import System

OBSERVED = tuple(message.topic for message in MESSAGES if issubclass(message, Observation))


@dataclass(frozen=True, slots=True)
class ReviewedSystem:
    """The live system, the story that was played on it, and an HTTP client of the sandbox."""

    system: System
    story: DemoStory
    sandbox: httpx.AsyncClient

    @property
    def client(self) -> DemoClient:
        return self.story.client

    @property
    def integration_ids(self) -> set[str]:
        return {self.story.vendor_id, self.story.psa_id}

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API and return its answer."""
        answer = await self.sandbox.request(method, f"/_sandbox/{path}", json=body)
        return answer.raise_for_status().json()

    async def writes_to(self, line_id: str) -> list[dict[str, Any]]:
        """Return every write that the PSA received for this agreement line."""
        return [
            row for row in (await self.control("GET", "writes"))["writes"] if str(row["line_id"]) == line_id
        ]

    async def sync(self) -> dict[str, str]:
        """Run a full sync to its stored reconciliation; return the outcomes by integration."""
        started = await self.client.request("POST", "billing", "/syncs", {"kind": "full"})
        return await self.client.wait_for_sync(self.integration_ids, started["sync_id"])

    async def record_counts(self, topics: tuple[str, ...] = OBSERVED) -> dict[str, int]:
        """Return how many records were ever published to each topic, by the partitions' end offsets."""
        consumer = AIOKafkaConsumer(**client_options(self.system.servers.kafka))
        await consumer.start()
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
            ]
            ends = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        return {
            topic: sum(end for partition, end in ends.items() if partition.topic == topic) for topic in topics
        }


@pytest.fixture(scope="package")
async def reviewed(system: System) -> AsyncIterator[ReviewedSystem]:
    """Connected, discovered, mapped, finished, synced and reviewed; nothing approved yet."""
    async with open_reviewed_system(system) as opened:
        yield opened


@asynccontextmanager
async def open_reviewed_system(system: System) -> AsyncIterator[ReviewedSystem]:
    """Play the story on this system up to the review."""
    async with (
        DemoClient(system.urls) as client,
        # No connection is kept: one that the server closes as a request is on its way fails the test.
        httpx.AsyncClient(
            base_url=system.urls["sandbox"],
            trust_env=False,
            timeout=30,
            limits=httpx.Limits(max_keepalive_connections=0),
        ) as sandbox,
    ):
        await client.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        story = DemoStory(client, (await sandbox.get("/_sandbox/scenario")).raise_for_status().json())
        await story.connect((await sandbox.get("/_sandbox/credentials")).raise_for_status().json())
        await story.wait_for_discovery()
        await story.map_manually()
        (await sandbox.post("/_sandbox/month-passes")).raise_for_status()
        await client.wait_for_sync({story.vendor_id, story.psa_id}, await story.finish_mapping())
        await story.review()
        yield ReviewedSystem(system, story, sandbox)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    # A consumer knows nothing of a topic until it was asked to fetch its metadata.
    await consumer._client.set_topics([topic])  # noqa: SLF001  it has no public way
    return set(consumer.partitions_for_topic(topic) or ())
