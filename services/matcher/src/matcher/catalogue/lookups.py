"""Finds the integration or item that a person named, or says in a sentence what is missing."""

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind
from matcher.catalogue.ports import CatalogueReader
from shared.contracts.base import Side, key_of
from shared.errors import Conflict, NotFound


async def find_integration(catalogue: CatalogueReader, integration_id: str, side: Side) -> IntegrationInfo:
    """Raises `NotFound` when the tenant has no such integration on that side."""
    integration = (await catalogue.integrations()).get(integration_id)
    if integration is None or integration.side is not side:
        raise NotFound(f"there is no {side} integration {integration_id}: ask auth for those there are")
    return integration


async def find_connected_integration(
    catalogue: CatalogueReader, integration_id: str, side: Side
) -> IntegrationInfo:
    """Raises `NotFound` when there is no such integration, and `Conflict` when it is disconnected."""
    integration = await find_integration(catalogue, integration_id, side)
    if not integration.connected:
        raise Conflict(disconnected_sentence(integration))
    return integration


def disconnected_sentence(integration: IntegrationInfo) -> str:
    named = f"{integration.side} integration {integration.integration_id} ({integration.name})"
    return f"{named} is disconnected: reconnect it"


async def find_item(
    catalogue: CatalogueReader, kind: ItemKind, integration: IntegrationInfo, item_id: str
) -> Item:
    """Raises `NotFound` when the item was never observed."""
    key = key_of(integration.tenant_id, integration.integration_id, item_id)
    items = await catalogue.items(kind, [key])
    if not items:
        raise NotFound(
            f"there is no {kind.display_name} {item_id} in integration {integration.integration_id}"
        )
    return items[0]
