"""Subscribes to every state that usage lines rest on: what was observed, decided and connected."""

from faststream.kafka import KafkaBroker

from billing.observations.repository import OBSERVED
from billing.observations.service import ObservationIngestor
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(broker: KafkaBroker, ingestor: ObservationIngestor, *, health: Health) -> None:
    """One subscription for each kind of state; all are ingested alike."""
    for model in OBSERVED:
        consume(broker, model, ingestor.ingest, service=SERVICE, health=health)
