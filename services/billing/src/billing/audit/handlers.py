"""Kafka in.  Consumes: what people refuse of proposals, and how they have names compared."""

from faststream.kafka import KafkaBroker

from billing.audit.statement_log import StatementLog
from shared.contracts.matcher import MatchingSettingsChanged, ProposalRefused
from shared.kafka import consume
from shared.runtime.health import Health

SERVICE = "billing"


def register(broker: KafkaBroker, statements: StatementLog, *, health: Health) -> None:
    """Subscribes to decisions that concern no usage line, and are audited all the same."""
    consume(broker, ProposalRefused, statements.enter, service=SERVICE, health=health)
    consume(broker, MatchingSettingsChanged, statements.enter, service=SERVICE, health=health)
