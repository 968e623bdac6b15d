"""Kafka in.  Consumes: what people refuse of proposals."""

from faststream.kafka import KafkaBroker

from billing.audit.refusal_log import RefusalLog
from shared.contracts.matcher import ProposalRefused
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(broker: KafkaBroker, refusals: RefusalLog, *, health: Health) -> None:
    """Subscribes to decisions that concern no usage line, and are audited all the same."""
    consume(broker, ProposalRefused, refusals.enter, service=SERVICE, health=health)
