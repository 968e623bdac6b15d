"""Reads how far a service's consumer groups have committed, without joining them."""

from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, UnknownTopicOrPartitionError

from shared.kafka.connection import client_options
from shared.kafka.groups import consumer_group
from shared.runtime.settings import KafkaSettings


class GroupOffsets:
    """The committed offsets of one service's groups; every method raises `KafkaError` when Kafka is away."""

    def __init__(self, settings: KafkaSettings, service: str) -> None:
        self._settings, self._service = settings, service

    async def committed(self, topics: Iterable[str]) -> dict[TopicPartition, int | None]:
        """Returns the offset of every partition of the topics; None where the group has committed nothing."""
        admin = AIOKafkaAdminClient(**client_options(self._settings))
        await admin.start()
        try:
            found: dict[TopicPartition, int | None] = {}
            for topic in topics:
                found |= await self._committed(admin, topic)
            return found
        finally:
            await admin.close()

    async def _committed(self, admin: AIOKafkaAdminClient, topic: str) -> dict[TopicPartition, int | None]:
        [description] = await admin.describe_topics([topic])
        if description["error_code"]:
            raise UnknownTopicOrPartitionError(f"topic {topic} is not there: were the topics created?")
        partitions = [TopicPartition(topic, each["partition"]) for each in description["partitions"]]
        try:
            offsets = await admin.list_consumer_group_offsets(consumer_group(self._service, topic))
        except GroupCoordinatorNotAvailableError:  # no group of this cluster has committed anything yet
            offsets = {}
        return {
            partition: offsets[partition].offset if partition in offsets else None for partition in partitions
        }
