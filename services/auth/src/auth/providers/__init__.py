"""The providers that can be connected: one module, one test and one line here for each."""

from auth.providers.connectwise import ConnectWiseProvider
from auth.providers.ingram_micro import IngramMicroProvider
from auth.providers.ports import Provider
from shared.http_client.client import Transport
from shared.runtime.settings import OutboundSettings


def make_providers(outbound: OutboundSettings, transport: Transport | None = None) -> dict[str, Provider]:
    """Returns every provider by the name that `Connection.provider` carries; `transport` is for tests."""
    return {
        IngramMicroProvider.name: IngramMicroProvider(outbound, transport),
        ConnectWiseProvider.name: ConnectWiseProvider(outbound, transport),
    }
