"""Kafka in.  Consumes: matcher's own decisions."""

from faststream.kafka import KafkaBroker

from matcher.mappings.recovery import MappingRecovery
from shared.contracts.matcher import MappingDecided
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe_own(
    broker: KafkaBroker, recovery: MappingRecovery, *, service: str, health: Health | None
) -> None:
    """Declares the subscriber; what it is told is news only after a restore of the database."""

    async def on_decided(mappings: list[MappingDecided]) -> None:
        await recovery.catch_up(mappings)

    consume(broker, MappingDecided, on_decided, service=service, health=health)
