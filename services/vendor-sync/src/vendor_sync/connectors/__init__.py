"""The vendors that can be read. To add one: a module, a test with recorded answers, a name in the tuple."""

from vendor_sync.connectors.connections import MarketplaceConnections
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector

CONNECTORS = {connector.name: connector for connector in (IngramMicroConnector,)}

__all__ = ["CONNECTORS", "MarketplaceConnections"]
