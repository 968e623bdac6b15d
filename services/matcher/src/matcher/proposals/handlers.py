"""Kafka in.  Consumes: matcher's own news of what people refuse."""

from faststream.kafka import KafkaBroker

from matcher.proposals.refusal_recovery import RefusalRecovery
from shared.contracts.matcher import ProposalRefused
from shared.kafka import consume
from shared.runtime.health import Health


def subscribe_refusals(
    broker: KafkaBroker, recovery: RefusalRecovery, *, service: str, health: Health | None
) -> None:
    """Declares the subscriber; what it is told is news only after a restore of the database."""
    consume(broker, ProposalRefused, recovery.catch_up, service=service, health=health)
