"""Stores the state of the integrations of one side, as auth tells it, in the sync service's own database."""

# Invariant: the stored state is that of the newest news, whatever order the news comes in. Two topics tell of
# one integration: a connection counts by its generation, a change by its revision within that generation.
#
#   connected g1 → changed g1 r5 (disconnected) → connected g2 → changed g1 r5 again (late): stays pending, g2

from collections.abc import Callable

from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.contracts.base import Side
from shared.mongo import Mongo, Session
from shared.sync_engine.models import IntegrationState

COLLECTION = "integrations"


class IntegrationStates:
    """Keeps the state of each integration of one side."""

    def __init__(self, mongo: Mongo, side: Side) -> None:
        self._mongo, self._side = mongo, side

    async def on_connected(self, event: IntegrationConnected) -> bool:
        """Stores that the integration is connected; returns False when it belongs to the other side."""
        if event.side is not self._side:
            return False

        def merge(existing: IntegrationState | None) -> IntegrationState:
            return existing.reconnected(event) if existing else IntegrationState.connected(event)

        await self._merge(event, merge)
        return True

    async def on_changed(self, event: IntegrationChanged) -> bool:
        """Stores status and settings; returns False when the integration belongs to the other side."""
        if event.side is not self._side:
            return False

        def merge(existing: IntegrationState | None) -> IntegrationState:
            return existing.changed(event) if existing else IntegrationState.of(event)

        await self._merge(event, merge)
        return True

    async def get(self, tenant_id: str, integration_id: str) -> IntegrationState | None:
        document = await self._mongo.documents(COLLECTION, tenant_id).get(integration_id)
        return IntegrationState.model_validate(document) if document else None

    async def _merge(
        self,
        event: IntegrationConnected | IntegrationChanged,
        merge: Callable[[IntegrationState | None], IntegrationState],
    ) -> None:
        rows = self._mongo.documents(COLLECTION, event.tenant_id)

        async def work(session: Session) -> None:
            document = await rows.get(event.integration_id, session=session)
            before = IntegrationState.model_validate(document) if document else None
            after = merge(before)
            # Both topics tell of one integration at the same moment; what changes nothing is not written.
            if after != before:
                await rows.put({"_id": after.integration_id} | after.model_dump(mode="json"), session=session)

        await self._mongo.transaction(work)
