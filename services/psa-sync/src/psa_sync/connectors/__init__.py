"""One module per PSA; a new one is one module, one test and one name in the tuple."""

from psa_sync.connectors.connections import Connections
from psa_sync.connectors.connectwise import ConnectWise

CONNECTORS: dict[str, type[ConnectWise]] = {connector.name: connector for connector in (ConnectWise,)}

__all__ = ["CONNECTORS", "Connections"]
