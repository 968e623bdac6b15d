"""One module per PSA; a new one is one module, one test and one name in the tuple."""

from psa_sync.connectors.connections import PsaConnections
from psa_sync.connectors.connectwise.connector import ConnectWiseConnector

CONNECTORS: dict[str, type[ConnectWiseConnector]] = {
    connector.name: connector for connector in (ConnectWiseConnector,)
}

__all__ = ["CONNECTORS", "PsaConnections"]
