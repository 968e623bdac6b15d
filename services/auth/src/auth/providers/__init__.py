"""The providers that can be connected: one module, one test, one line each."""

from auth.providers.connectwise import ConnectWiseProvider
from auth.providers.ingram_micro import IngramMicroProvider
from auth.providers.ports import Provider
from shared.http_client.client import Transport
from shared.runtime.settings import OutboundSettings


def make_providers(outbound: OutboundSettings, transport: Transport | None = None) -> dict[str, Provider]:
    """By the name that a connection carries; `transport` is for tests."""
    return {
        IngramMicroProvider.name: IngramMicroProvider(outbound, transport),
        ConnectWiseProvider.name: ConnectWiseProvider(outbound, transport),
    }
