"""Kafka in.  Hears: WriteQuantity, besides what `shared.syncing.desk` hears.  Only stores."""

from collections.abc import Callable
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from psa_sync.repository.writes import Writes
from shared import crashing
from shared.contracts.psa_sync import WriteQuantity
from shared.health import Health
from shared.kafka import consume


@dataclass(frozen=True, slots=True)
class WriteDesk:
    """Puts down the writes that were asked for, and wakes the job that makes them."""

    writes: Writes
    write_wanted: Callable[[], None]

    async def write_quantity(self, commands: list[WriteQuantity]) -> None:
        await self.writes.ask(commands)
        crashing.reached("intent-stored")
        self.write_wanted()


def subscribe(broker: KafkaBroker, desk: WriteDesk, *, service: str, health: Health) -> None:
    consume(broker, WriteQuantity, desk.write_quantity, service=service, health=health)
