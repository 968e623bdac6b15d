"""Kafka in.  Hears: MappingFinished, CredentialsRejected of both syncs, and its own IntegrationChanged."""

from collections.abc import Sequence

from faststream.kafka import KafkaBroker

from auth.integrations.service import IntegrationService
from shared.contracts.auth import IntegrationChanged
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import PsaCredentialsRejected
from shared.contracts.vendor_sync import VendorCredentialsRejected
from shared.kafka import consume
from shared.runtime.health import Health

_REJECTED: tuple[type[VendorCredentialsRejected | PsaCredentialsRejected], ...] = (
    VendorCredentialsRejected,
    PsaCredentialsRejected,
)


def subscribe(
    broker: KafkaBroker, integrations: IntegrationService, *, service: str, health: Health | None
) -> None:
    """Subscribes the events that move the status of integrations."""

    async def on_changed(events: list[IntegrationChanged]) -> None:
        for event in events:
            await integrations.catch_up(event)

    async def on_mapping_finished(events: list[MappingFinished]) -> None:
        for event in events:
            await integrations.activate(event)

    async def on_credentials_rejected(
        events: Sequence[VendorCredentialsRejected | PsaCredentialsRejected],
    ) -> None:
        for event in events:
            await integrations.reject_credentials(event)

    consume(broker, IntegrationChanged, on_changed, service=service, health=health)
    consume(broker, MappingFinished, on_mapping_finished, service=service, health=health)
    for rejected in _REJECTED:
        consume(broker, rejected, on_credentials_rejected, service=service, health=health)
