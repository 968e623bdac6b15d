"""Kafka in.  Hears: WriteQuantity, CancelWrite; the rest is `shared.sync_engine.handlers`.  Only stores."""

from collections.abc import Callable
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from psa_sync.writes.repository import WriteRepository
from shared.contracts import Message
from shared.contracts.psa_sync import CancelWrite, QuantityRefused, QuantityWritten, WriteQuantity
from shared.contracts.quantity_write import WriteRefusal
from shared.kafka import consume
from shared.runtime import crash_points
from shared.runtime.health import Health


@dataclass(frozen=True, slots=True)
class WriteHandlers:
    """Stores the writes that are commanded, and wakes the job that makes them."""

    writes: WriteRepository
    wake_job: Callable[[], None]

    async def write_quantity(self, commands: list[WriteQuantity]) -> None:
        await self.writes.receive(commands)
        # The commit of the offset comes after this: killed here, the command is delivered again.
        crash_points.reached("intent-stored")
        self.wake_job()

    async def cancel_write(self, commands: list[CancelWrite]) -> None:
        await self.writes.cancel(commands)
        self.wake_job()

    def subscribe(self, broker: KafkaBroker, *, service: str, health: Health) -> None:
        consume(broker, WriteQuantity, self.write_quantity, service=service, health=health)
        consume(broker, CancelWrite, self.cancel_write, service=service, health=health)


async def refuse_undeliverable_result(message: Message, why: str) -> list[Message] | None:
    """Returns what to send in place of a result that Kafka will never take: a person must look at the line.

    What the PSA holds is not changed by it, but billing would wait for the result for ever.
    """
    if not isinstance(message, QuantityWritten | QuantityRefused):
        return None
    refusal = QuantityRefused(
        tenant_id=message.tenant_id,
        integration_id=message.integration_id,
        line_id=message.line_id,
        approval_id=message.approval_id,
        reason=WriteRefusal.UNKNOWN_OUTCOME,
        detail=f"the result of this write could not be reported, look at the line in the PSA: {why}",
        refused_at=message.proven_at if isinstance(message, QuantityWritten) else message.refused_at,
    )
    return [refusal]
