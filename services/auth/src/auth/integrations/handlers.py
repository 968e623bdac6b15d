"""Kafka in.  Hears: MappingFinished, CredentialsRejected of both syncs.  Says: IntegrationChanged."""

from faststream.kafka import KafkaBroker

from auth.integrations.service import IntegrationService
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import PsaCredentialsRejected
from shared.contracts.vendor_sync import VendorCredentialsRejected
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe(
    broker: KafkaBroker, integrations: IntegrationService, *, service: str, health: Health | None
) -> None:
    """Subscribes the events that move the status of integrations."""

    async def on_mapping_finished(events: list[MappingFinished]) -> None:
        for event in events:
            await integrations.activate(event)

    async def on_vendor_credentials_rejected(events: list[VendorCredentialsRejected]) -> None:
        for event in events:
            await integrations.reject_credentials(event)

    async def on_psa_credentials_rejected(events: list[PsaCredentialsRejected]) -> None:
        for event in events:
            await integrations.reject_credentials(event)

    consume(broker, MappingFinished, on_mapping_finished, service=service, health=health)
    consume(broker, VendorCredentialsRejected, on_vendor_credentials_rejected, service=service, health=health)
    consume(broker, PsaCredentialsRejected, on_psa_credentials_rejected, service=service, health=health)
