"""Kafka in.  Hears: WriteQuantity, besides what `shared.sync_engine.handlers` hears.  Only stores."""

from collections.abc import Callable
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from psa_sync.writes.repository import WriteRepository
from shared.contracts.psa_sync import WriteQuantity
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

    def subscribe(self, broker: KafkaBroker, *, service: str, health: Health) -> None:
        consume(broker, WriteQuantity, self.write_quantity, service=service, health=health)
