"""The providers that can be connected: one module, one test, one line each."""

from auth.providers.connectwise import ConnectWise
from auth.providers.ingram_micro import IngramMicro
from auth.service.needs import Provider
from shared.http import Transport
from shared.settings import OutboundSettings


def make_providers(outbound: OutboundSettings, transport: Transport | None = None) -> dict[str, Provider]:
    """By the name that a connection carries; `transport` is for tests."""
    return {
        IngramMicro.name: IngramMicro(outbound, transport),
        ConnectWise.name: ConnectWise(outbound, transport),
    }
