"""What auth said of the integrations of one side, kept in the sync service's own database."""

from collections.abc import Callable
from typing import Any

from shared.contracts.auth import IntegrationChanged, IntegrationConnected
from shared.contracts.base import Side
from shared.mongo import Mongo, Session
from shared.sync_engine.models import IntegrationState

COLLECTION = "integrations"

News = IntegrationConnected | IntegrationChanged


class IntegrationStates:
    """Takes in news of its own side, in any order and as often as it comes."""

    def __init__(self, mongo: Mongo, side: Side) -> None:
        self._mongo, self._side = mongo, side

    async def connected(self, event: IntegrationConnected) -> bool:
        """Remember that it is connected; False when it belongs to the other side."""
        if event.side is not self._side:
            return False
        await self._merge(
            event, lambda known: known.reconnected(event) if known else IntegrationState.connected(event)
        )
        return True

    async def changed(self, event: IntegrationChanged) -> bool:
        """Remember status and settings; False when it belongs to the other side."""
        if event.side is not self._side:
            return False
        await self._merge(event, lambda known: known.changed(event) if known else _first(event))
        return True

    async def get(self, tenant_id: str, integration_id: str) -> IntegrationState | None:
        document = await self._mongo.documents(COLLECTION, tenant_id).get(integration_id)
        return IntegrationState.model_validate(document) if document else None

    async def _merge(
        self, event: News, merged: Callable[[IntegrationState | None], IntegrationState]
    ) -> None:
        rows = self._mongo.documents(COLLECTION, event.tenant_id)

        async def work(session: Session) -> None:
            document = await rows.get(event.integration_id, session=session)
            before = IntegrationState.model_validate(document) if document else None
            after = merged(before)
            # Both topics tell of one integration at the same moment; what says nothing new is not written.
            if after != before:
                await rows.put(_document(after), session=session)

        await self._mongo.transaction(work)


def _first(event: IntegrationChanged) -> IntegrationState:
    return IntegrationState.model_validate(event.model_dump())


def _document(known: IntegrationState) -> dict[str, Any]:
    return {"_id": known.integration_id} | known.model_dump(mode="json")
