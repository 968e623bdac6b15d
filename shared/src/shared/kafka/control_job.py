"""Applies what operators want of partitions to the consumers of a running service."""

from datetime import timedelta

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared.errors import TransientError
from shared.kafka.control_repository import ControlRepository
from shared.kafka.partition_controls import consumers_of, controls_of
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.jobs import Job

log = structlog.get_logger()

_LOOK_INTERVAL = timedelta(seconds=2)


class ControlJob:
    """Reads the controls again and again; while the store is away those that were last read hold."""

    def __init__(self, mongo: Mongo, broker: KafkaBroker, health: Health) -> None:
        self._repository, self._broker, self._controls = ControlRepository(mongo), broker, controls_of(broker)
        health.add_degradation_check("paused partitions", self._controls.degradation)

    def job(self) -> Job:
        return Job("consumer controls", self.step, _LOOK_INTERVAL)

    async def step(self) -> bool:
        """Takes over what is wanted now, and ends the skips that the group has passed."""
        await self.load()
        for skip in self._controls.skips.values():
            committed = await self._committed(skip.partition)
            if committed is not None and committed >= skip.before:
                await self._repository.remove_skip(skip.partition, before=skip.before)
        return False

    async def load(self) -> None:
        """Reads the controls; to be called before consuming begins, or a paused partition would be read."""
        before = {**self._controls.pauses}, {**self._controls.skips}
        self._controls.replace(await self._repository.find_all())
        if before != (self._controls.pauses, self._controls.skips):
            log.warning(
                "consumer_controls_changed",
                paused=[f"{topic}:{number}" for topic, number in self._controls.pauses],
                skip_before={f"{topic}:{n}": s.before for (topic, n), s in self._controls.skips.items()},
            )

    async def _committed(self, partition: TopicPartition) -> int | None:
        """Returns the group's offset, or None when another process has the partition."""
        for consumer in consumers_of(self._broker):
            if partition in consumer.assignment():
                try:
                    committed: int | None = await consumer.committed(partition)
                except KafkaError as error:
                    raise TransientError(f"Kafka does not tell an offset: {error!r}") from error
                return committed
        return None
