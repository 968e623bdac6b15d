"""The story on the live system: told once to the point of review, for the tests that go on from there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts import MESSAGES, Observation
from standalone.demo.client import DemoClient
from standalone.demo.story import DemoStory
from standalone.system import System

OBSERVED = tuple(message.topic for message in MESSAGES if issubclass(message, Observation))


@dataclass(frozen=True, slots=True)
class Told:
    """The live system with a story that has come to the review."""

    system: System
    story: DemoStory
    sandbox: httpx.AsyncClient

    @property
    def desk(self) -> DemoClient:
        return self.story.desk

    @property
    def integration_ids(self) -> set[str]:
        return {self.story.vendor_id, self.story.psa_id}

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """What the simulated providers' control API answers."""
        answer = await self.sandbox.request(method, f"/_sandbox/{path}", json=body)
        return answer.raise_for_status().json()

    async def writes_to(self, line_id: str) -> list[dict[str, Any]]:
        """Every write that the PSA got for this agreement line."""
        return [
            row for row in (await self.control("GET", "writes"))["writes"] if str(row["line_id"]) == line_id
        ]

    async def synced(self) -> dict[str, str]:
        """A full sync, to the stored reconciliation; returns the outcomes."""
        started = await self.desk.ask("POST", "billing", "/syncs", {"kind": "full"})
        return await self.desk.synced(self.integration_ids, started["sync_id"])

    async def ends(self, topics: tuple[str, ...] = OBSERVED) -> dict[str, int]:
        """How many records each topic has ever had."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.system.servers.kafka)
        await consumer.start()
        try:
            places = [
                TopicPartition(topic, number)
                for topic in topics
                for number in consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
            ]
            ends = await consumer.end_offsets(places)
        finally:
            await consumer.stop()
        return {topic: sum(end for place, end in ends.items() if place.topic == topic) for topic in topics}


@pytest.fixture(scope="package")
async def told(system: System) -> AsyncIterator[Told]:
    """Connected, discovered, mapped, finished, synced and reviewed; nothing approved yet."""
    async with a_story(system) as one:
        yield one


@asynccontextmanager
async def a_story(system: System) -> AsyncIterator[Told]:
    """A story on this system, told to the point of review."""
    async with (
        DemoClient(system.urls) as desk,
        httpx.AsyncClient(base_url=system.urls["sandbox"], trust_env=False, timeout=30) as sandbox,
    ):
        await desk.sign_in(system.credentials.admin_email, system.credentials.admin_password)
        story = DemoStory(desk, (await sandbox.get("/_sandbox/scenario")).raise_for_status().json())
        await story.connect((await sandbox.get("/_sandbox/credentials")).raise_for_status().json())
        await story.discovered()
        await story.map_by_hand()
        (await sandbox.post("/_sandbox/month-passes")).raise_for_status()
        await desk.synced({story.vendor_id, story.psa_id}, await story.finish())
        await story.review()
        yield Told(system, story, sandbox)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    """The first question about a topic fetches what is known of it."""
    await consumer._client.set_topics([topic])  # noqa: SLF001  it has no public way
    return set(consumer.partitions_for_topic(topic) or ())
