"""The PSAs that can be read. To add one: a folder, a test with recorded answers, a line in the mapping."""

from collections.abc import Mapping

from psa_sync.connectors.connections import PsaConnections, PsaConnector
from psa_sync.connectors.connectwise.connector import HEADERS, POLICY, ConnectWiseConnector

CONNECTORS: Mapping[str, PsaConnector] = {
    ConnectWiseConnector.name: PsaConnector(ConnectWiseConnector, HEADERS, POLICY),
}
"""How each provider is connected, by its name."""

__all__ = ["CONNECTORS", "PsaConnections", "PsaConnector"]
