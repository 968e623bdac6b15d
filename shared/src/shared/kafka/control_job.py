"""Watches over the consumers of a running service: what operators want of them, and a restored database."""

from datetime import timedelta

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared.errors import TransientError
from shared.kafka.control_repository import ControlRepository
from shared.kafka.database_positions import positions_of
from shared.kafka.partition_controls import consumers_of, controls_of
from shared.kafka.position_repository import PositionRepository
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.jobs import Job

log = structlog.get_logger()

_LOOK_INTERVAL = timedelta(seconds=2)


class ControlJob:
    """Reads the controls again and again; while the store is away those that were last read hold."""

    def __init__(self, mongo: Mongo, broker: KafkaBroker, health: Health) -> None:
        self._repository, self._broker, self._controls = ControlRepository(mongo), broker, controls_of(broker)
        self._positions, self._position_repository = positions_of(broker), PositionRepository(mongo)
        self._positions.keep_in(self._position_repository)
        health.add_degradation_check("paused partitions", self._controls.degradation)
        health.add_degradation_check("restored database", self._positions.degradation)

    def job(self) -> Job:
        return Job("consumer controls", self.step, _LOOK_INTERVAL)

    async def step(self) -> bool:
        """Takes over what is wanted now, and ends the skips that the group has passed."""
        await self._load_controls()
        await self._positions.find_restored(consumers_of(self._broker))
        for skip in self._controls.skips.values():
            committed = await self._committed(skip.partition)
            if committed is not None and committed >= skip.before:
                await self._repository.remove_skip(skip.partition, before=skip.before)
        return False

    async def load(self) -> None:
        """Reads what is stored; to be called before the service stores or consumes anything.

        A paused partition would be read else, and an empty database not be seen to be empty.
        """
        await self._position_repository.prepare()
        await self._load_controls()

    async def _load_controls(self) -> None:
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
