"""Consumes the results of writes: quantities written and refused."""

from faststream.kafka import KafkaBroker

from billing.approvals.models import WriteResult
from billing.approvals.results import WriteResultService
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"

_RESULTS: tuple[type[WriteResult], ...] = (QuantityWritten, QuantityRefused)


def register(broker: KafkaBroker, results: WriteResultService, *, health: Health) -> None:
    """Subscribes to what closes approvals."""
    for model in _RESULTS:
        consume(broker, model, results.record, service=SERVICE, health=health)
