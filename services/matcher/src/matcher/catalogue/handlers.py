"""Kafka in.  Consumes: accounts, services, products, integrations changed, ends of runs."""

from faststream.kafka import KafkaBroker

from matcher.catalogue.ingestor import ItemIngestor, ItemObserved
from shared.contracts.auth import IntegrationChanged
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved, PsaRunFinished
from shared.contracts.vendor_sync import ServiceObserved, VendorAccountObserved, VendorRunFinished
from shared.kafka import consume
from shared.runtime.health import Health

_OBSERVATIONS: tuple[type[ItemObserved], ...] = (
    VendorAccountObserved,
    ServiceObserved,
    PsaAccountObserved,
    ProductObserved,
)
_RUN_ENDS: tuple[type[VendorRunFinished | PsaRunFinished], ...] = (VendorRunFinished, PsaRunFinished)


def subscribe(broker: KafkaBroker, ingestor: ItemIngestor, *, service: str, health: Health | None) -> None:
    """Declares the subscribers. They only store and enqueue; the job `matching` decides."""
    for model in _OBSERVATIONS:
        consume(broker, model, ingestor.ingest_items, service=service, health=health)
    for ended in _RUN_ENDS:
        consume(broker, ended, ingestor.ingest_runs, service=service, health=health)
    consume(broker, IntegrationChanged, ingestor.ingest_integrations, service=service, health=health)
