"""What others know. Hears what is observed, mappings decided, integrations changed; only stores and marks."""

from faststream.kafka import KafkaBroker

from billing.observations.service import ObservationIngestor
from shared.contracts import psa_sync, vendor_sync
from shared.contracts.auth import IntegrationChanged
from shared.contracts.matcher import MappingDecided
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(broker: KafkaBroker, observing: ObservationIngestor, *, health: Health) -> None:
    """Subscribe to every state that the usage lines rest on."""
    _vendor(broker, observing, health)
    _psa(broker, observing, health)
    _decisions(broker, observing, health)


def _vendor(broker: KafkaBroker, observing: ObservationIngestor, health: Health) -> None:
    async def on_vendor_accounts(news: list[vendor_sync.VendorAccountObserved]) -> None:
        await observing.observe(news)

    async def on_vendor_services(news: list[vendor_sync.ServiceObserved]) -> None:
        await observing.observe(news)

    async def on_subscriptions(news: list[vendor_sync.SubscriptionObserved]) -> None:
        await observing.observe(news)

    consume(broker, vendor_sync.VendorAccountObserved, on_vendor_accounts, service=SERVICE, health=health)
    consume(broker, vendor_sync.ServiceObserved, on_vendor_services, service=SERVICE, health=health)
    consume(broker, vendor_sync.SubscriptionObserved, on_subscriptions, service=SERVICE, health=health)


def _psa(broker: KafkaBroker, observing: ObservationIngestor, health: Health) -> None:
    async def on_psa_accounts(news: list[psa_sync.PsaAccountObserved]) -> None:
        await observing.observe(news)

    async def on_products(news: list[psa_sync.ProductObserved]) -> None:
        await observing.observe(news)

    async def on_agreement_lines(news: list[psa_sync.AgreementLineObserved]) -> None:
        await observing.observe(news)

    consume(broker, psa_sync.PsaAccountObserved, on_psa_accounts, service=SERVICE, health=health)
    consume(broker, psa_sync.ProductObserved, on_products, service=SERVICE, health=health)
    consume(broker, psa_sync.AgreementLineObserved, on_agreement_lines, service=SERVICE, health=health)


def _decisions(broker: KafkaBroker, observing: ObservationIngestor, health: Health) -> None:
    async def on_mappings_decided(news: list[MappingDecided]) -> None:
        await observing.observe(news)

    async def on_integrations_changed(news: list[IntegrationChanged]) -> None:
        await observing.observe(news)

    consume(broker, MappingDecided, on_mappings_decided, service=SERVICE, health=health)
    consume(broker, IntegrationChanged, on_integrations_changed, service=SERVICE, health=health)
