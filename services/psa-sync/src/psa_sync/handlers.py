"""Kafka in.  Hears: IntegrationConnected, IntegrationChanged, SyncPsa, WriteQuantity.  Only stores."""

from collections.abc import Callable
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from psa_sync.repository.writes import Writes
from shared import crashing
from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.contracts.psa_sync import SyncPsa, WriteQuantity
from shared.health import Health
from shared.kafka import consume
from shared.syncing.integrations import Integrations
from shared.syncing.models import Request
from shared.syncing.runs import Runs


@dataclass(frozen=True, slots=True)
class Desk:
    """Puts down what was heard, and wakes the jobs that see to it."""

    integrations: Integrations
    runs: Runs
    writes: Writes
    run_wanted: Callable[[], None]
    write_wanted: Callable[[], None]

    async def on_integration_connected(self, events: list[IntegrationConnected]) -> None:
        for event in events:
            if await self.integrations.connected(event):
                await self.runs.queue(Request.first(event))
        self.run_wanted()

    async def on_integration_changed(self, events: list[IntegrationChanged]) -> None:
        for event in events:
            await self.integrations.changed(event)

    async def sync_psa(self, commands: list[SyncPsa]) -> None:
        for command in commands:
            await self.runs.queue(Request.of(command))
        self.run_wanted()

    async def write_quantity(self, commands: list[WriteQuantity]) -> None:
        await self.writes.ask(commands)
        crashing.reached("intent-stored")
        self.write_wanted()


def subscribe(broker: KafkaBroker, desk: Desk, *, service: str, health: Health | None) -> None:
    """One subscription for each message."""
    consume(broker, IntegrationConnected, desk.on_integration_connected, service=service, health=health)
    consume(broker, IntegrationChanged, desk.on_integration_changed, service=service, health=health)
    consume(broker, SyncPsa, desk.sync_psa, service=service, health=health)
    consume(broker, WriteQuantity, desk.write_quantity, service=service, health=health)
