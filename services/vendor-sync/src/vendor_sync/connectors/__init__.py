"""The vendors that can be read. To add one: a module, a test with recorded answers, a name in the tuple."""

from vendor_sync.connectors.connections import Connections
from vendor_sync.connectors.ingram_micro import IngramMicro

CONNECTORS = {connector.name: connector for connector in (IngramMicro,)}

__all__ = ["CONNECTORS", "Connections"]
