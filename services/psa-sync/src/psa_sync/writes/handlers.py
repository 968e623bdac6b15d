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
    """Puts down the writes that were asked for, and wakes the job that makes them."""

    writes: WriteRepository
    write_wanted: Callable[[], None]

    async def write_quantity(self, commands: list[WriteQuantity]) -> None:
        await self.writes.ask(commands)
        crash_points.reached("intent-stored")
        self.write_wanted()


def subscribe(broker: KafkaBroker, desk: WriteHandlers, *, service: str, health: Health) -> None:
    consume(broker, WriteQuantity, desk.write_quantity, service=service, health=health)
