"""The vendors that can be read. To add one: a folder, a test with recorded answers, a line in the mapping."""

from collections.abc import Callable, Mapping

from shared.http_client.client import Api
from vendor_sync.connectors.connections import MarketplaceConnections
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector
from vendor_sync.runs.ports import Marketplace

CONNECTORS: Mapping[str, Callable[[Api], Marketplace]] = {IngramMicroConnector.name: IngramMicroConnector}
"""What makes a marketplace of an open API, by the provider's name."""

__all__ = ["CONNECTORS", "MarketplaceConnections"]
