"""Kafka in.  Hears: MappingDecided, besides what `shared.sync_engine.handlers` hears.  Only stores."""

from faststream.kafka import KafkaBroker

from shared.contracts.matcher import MappingDecided
from shared.kafka import consume
from shared.runtime.health import Health
from vendor_sync.runs.billed_together import BilledTogether


def register(broker: KafkaBroker, services: BilledTogether, *, service: str, health: Health) -> None:
    """Subscribes to the decisions that say which services are billed together."""
    consume(broker, MappingDecided, services.note, service=service, health=health)
