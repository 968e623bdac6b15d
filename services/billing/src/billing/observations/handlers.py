"""Subscribes to every state that usage lines rest on: what was observed, decided, connected and read."""

from faststream.kafka import KafkaBroker

from billing.observations.repository import OBSERVED
from billing.observations.service import ManifestIngestor, ObservationIngestor
from shared.contracts.manifest import AccountRead
from shared.contracts.psa_sync import PsaAccountRead
from shared.contracts.vendor_sync import VendorAccountRead
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"

_MANIFESTS: tuple[type[AccountRead], ...] = (VendorAccountRead, PsaAccountRead)


def register(
    broker: KafkaBroker, ingestor: ObservationIngestor, manifests: ManifestIngestor, *, health: Health
) -> None:
    """One subscription for each kind of state; all of one form are ingested alike."""
    for model in OBSERVED:
        consume(broker, model, ingestor.ingest, service=SERVICE, health=health)
    for manifest in _MANIFESTS:
        consume(broker, manifest, manifests.ingest, service=SERVICE, health=health)
