"""Kafka in.  Consumes: usage lines as billing reconciled them."""

from faststream.kafka import KafkaBroker

from matcher.uncompared_usage.ingestor import UsageIngestor
from shared.contracts.billing import UsageLineChanged
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe_usage(
    broker: KafkaBroker, ingestor: UsageIngestor, *, service: str, health: Health | None
) -> None:
    """Declares the subscriber; billing states what is, and nothing here is decided by it."""

    async def on_lines(changes: list[UsageLineChanged]) -> None:
        await ingestor.ingest(changes)

    consume(broker, UsageLineChanged, on_lines, service=service, health=health)
