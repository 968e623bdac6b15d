"""One module per PSA; a new one is one module, one test and one line in the mapping."""

from collections.abc import Mapping

from psa_sync.connectors.connections import PsaConnections, PsaConnector
from psa_sync.connectors.connectwise.connector import HEADERS, POLICY, ConnectWiseConnector

CONNECTORS: Mapping[str, PsaConnector] = {
    ConnectWiseConnector.name: PsaConnector(ConnectWiseConnector, HEADERS, POLICY),
}
"""How each provider is connected, by its name."""

__all__ = ["CONNECTORS", "PsaConnections", "PsaConnector"]
