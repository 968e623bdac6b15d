"""One module per PSA; a new one is one module, one test and one name in this tuple."""

from psa_sync.connectors.connectwise import ConnectWise

CONNECTORS: dict[str, type[ConnectWise]] = {connector.name: connector for connector in (ConnectWise,)}
