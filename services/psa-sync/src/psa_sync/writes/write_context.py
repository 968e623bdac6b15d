"""What one worker at a line works with: the open PSA, its integration, and the right to write."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from psa_sync.runs.ports import Connect, PsaConnection
from shared.runtime.leases import Lease
from shared.sync_engine.models import IntegrationState


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What one step works with: the open PSA, its integration, and the right to write to the line."""

    psa: PsaConnection
    integration: IntegrationState
    lease: Lease


@dataclass(slots=True)
class LazyConnection:
    """Opens the PSA when the first step needs it, and keeps it open for the steps after."""

    connect: Connect
    stack: AsyncExitStack
    psa: PsaConnection | None = None
    generation: int = 0
    """The generation of the integration that it was opened for."""

    async def open(self, integration: IntegrationState) -> PsaConnection:
        """Returns the open PSA; opens it anew when the integration was connected anew."""
        if self.psa is None or integration.generation != self.generation:
            self.psa = await self.stack.enter_async_context(self.connect(integration))
            self.generation = integration.generation
        return self.psa
