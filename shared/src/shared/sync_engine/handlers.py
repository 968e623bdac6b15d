"""Kafka in.  Hears: IntegrationConnected, IntegrationChanged, the service's SyncRequested.  Only stores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faststream.kafka import KafkaBroker

from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.contracts.base import SyncRequested
from shared.kafka import consume
from shared.runtime.health import Health
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import RunRequest
from shared.sync_engine.run_repository import RunRepository


@dataclass(frozen=True, slots=True)
class SyncHandlers:
    """Puts down what was heard, and wakes the jobs that see to it."""

    integrations: IntegrationStates
    runs: RunRepository
    run_wanted: Callable[[], None]

    async def on_integration_connected(self, events: list[IntegrationConnected]) -> None:
        """Remembered before the first run is queued, so that a reconnection is not answered by an old run."""
        for event in events:
            if await self.integrations.connected(event):
                await self.runs.queue(RunRequest.first(event))
        self.run_wanted()

    async def on_integration_changed(self, events: list[IntegrationChanged]) -> None:
        for event in events:
            await self.integrations.changed(event)

    async def sync(self, commands: Sequence[SyncRequested]) -> None:
        for command in commands:
            await self.runs.queue(RunRequest.of(command))
        self.run_wanted()


def subscribe(
    broker: KafkaBroker, desk: SyncHandlers, command: type[SyncRequested], *, service: str, health: Health
) -> None:
    """One subscription for each message."""
    consume(broker, IntegrationConnected, desk.on_integration_connected, service=service, health=health)
    consume(broker, IntegrationChanged, desk.on_integration_changed, service=service, health=health)
    consume(broker, command, desk.sync, service=service, health=health)
