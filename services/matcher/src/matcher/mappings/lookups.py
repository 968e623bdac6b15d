"""Finding what a person named, or saying which of it there is not."""

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.mappings.ports import UnitOfWork
from shared.contracts.base import Side, key_of
from shared.errors import Conflict, NotFound


async def integration_of(turn: UnitOfWork, integration_id: str, side: Side) -> IntegrationInfo:
    """Raises `NotFound` when the tenant has no such integration on that side."""
    found = (await turn.integrations()).get(integration_id)
    if found is None or found.side is not side:
        raise NotFound(f"there is no {side} integration {integration_id}: ask auth for those there are")
    return found


async def connected(turn: UnitOfWork, integration_id: str, side: Side) -> IntegrationInfo:
    """Raises `Conflict` when it was disconnected."""
    found = await integration_of(turn, integration_id, side)
    if not found.connected:
        raise Conflict(f"{side} integration {integration_id} ({found.name}) is disconnected: reconnect it")
    return found


async def item_of(turn: UnitOfWork, shelf: ItemKind, integration: IntegrationInfo, id_: str) -> Item:
    """Raises `NotFound` when it was never observed."""
    key = key_of(integration.tenant_id, integration.integration_id, id_)
    found = await turn.items(shelf, [key])
    if not found:
        raise NotFound(f"there is no {shelf.noun} {id_} in integration {integration.integration_id}")
    return found[0]
