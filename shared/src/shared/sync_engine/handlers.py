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
    """Stores integrations and queues runs, then wakes the jobs that carry runs."""

    integrations: IntegrationStates
    runs: RunRepository
    wake_jobs: Callable[[], None]

    async def on_integration_connected(self, events: list[IntegrationConnected]) -> None:
        for event in events:
            # Stored before the first run is queued, so that a reconnection is not answered by an old run.
            if await self.integrations.on_connected(event):
                await self.runs.queue(RunRequest.first(event))
        self.wake_jobs()

    async def on_integration_changed(self, events: list[IntegrationChanged]) -> None:
        for event in events:
            await self.integrations.on_changed(event)
        # A run that waits for days ends now when its integration was disconnected.
        self.wake_jobs()

    async def sync(self, commands: Sequence[SyncRequested]) -> None:
        for command in commands:
            await self.runs.queue(RunRequest.of(command))
        self.wake_jobs()

    def subscribe(
        self, broker: KafkaBroker, command: type[SyncRequested], *, service: str, health: Health
    ) -> None:
        """Subscribes to both state topics of auth, and to the service's own command."""
        consume(broker, IntegrationConnected, self.on_integration_connected, service=service, health=health)
        consume(broker, IntegrationChanged, self.on_integration_changed, service=service, health=health)
        consume(broker, command, self.sync, service=service, health=health)
