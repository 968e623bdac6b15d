"""Kafka in.  Hears: MappingFinished, CredentialsRejected of both syncs.  Says: IntegrationChanged."""

from faststream.kafka import KafkaBroker

from auth.integrations.service import IntegrationService
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import PsaCredentialsRejected
from shared.contracts.vendor_sync import VendorCredentialsRejected
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe(
    broker: KafkaBroker, connecting: IntegrationService, *, service: str, health: Health | None
) -> None:
    """Moves the status of integrations."""

    async def on_mapping_finished(news: list[MappingFinished]) -> None:
        for one in news:
            await connecting.finish_mapping(one)

    async def on_vendor_credentials_rejected(news: list[VendorCredentialsRejected]) -> None:
        for one in news:
            await connecting.reject(one)

    async def on_psa_credentials_rejected(news: list[PsaCredentialsRejected]) -> None:
        for one in news:
            await connecting.reject(one)

    consume(broker, MappingFinished, on_mapping_finished, service=service, health=health)
    consume(broker, VendorCredentialsRejected, on_vendor_credentials_rejected, service=service, health=health)
    consume(broker, PsaCredentialsRejected, on_psa_credentials_rejected, service=service, health=health)
