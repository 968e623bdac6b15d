"""Kafka in.  Hears: accounts, services and products observed, integrations changed.  Says: MappingDecided."""

from faststream.kafka import KafkaBroker

from matcher.catalogue.ingestor import ItemIngestor
from shared.contracts.auth import IntegrationChanged
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
from shared.contracts.vendor_sync import ServiceObserved, VendorAccountObserved
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe(broker: KafkaBroker, observing: ItemIngestor, *, service: str, health: Health | None) -> None:
    """Only stores and marks; the job `matching` does the rest."""

    async def on_vendor_account_observed(seen: list[VendorAccountObserved]) -> None:
        await observing.items(seen)

    async def on_vendor_service_observed(seen: list[ServiceObserved]) -> None:
        await observing.items(seen)

    async def on_psa_account_observed(seen: list[PsaAccountObserved]) -> None:
        await observing.items(seen)

    async def on_product_observed(seen: list[ProductObserved]) -> None:
        await observing.items(seen)

    async def on_integration_changed(changed: list[IntegrationChanged]) -> None:
        await observing.integrations(changed)

    consume(broker, VendorAccountObserved, on_vendor_account_observed, service=service, health=health)
    consume(broker, ServiceObserved, on_vendor_service_observed, service=service, health=health)
    consume(broker, PsaAccountObserved, on_psa_account_observed, service=service, health=health)
    consume(broker, ProductObserved, on_product_observed, service=service, health=health)
    consume(broker, IntegrationChanged, on_integration_changed, service=service, health=health)
