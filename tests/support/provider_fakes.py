"""Both providers as auth calls them, and everything a person types to connect them."""

from pathlib import Path
from typing import Any

import httpx

from auth.credentials.connections import ConnectWiseConnection, IngramConnection

DATA = Path(__file__).parents[1] / "data"
INGRAM = "/marketplace/na"
CONNECTWISE = "/v2025_1/apis/3.0"
CANARIES = ("canary-sub-key", "canary-password", "canary-public", "canary-private", "canary-client")


def ingram_body(**changed: Any) -> dict[str, Any]:
    """What a person posts to connect it, with the named fields changed."""
    return {
        "provider": "ingram-micro",
        "base_url": f"https://api.cloud.im{INGRAM}",
        "marketplace": "us",
        "subscription_key": "canary-sub-key",
        "username": "acme.api",
        "password": "canary-password",
    } | changed


def connectwise_body(**changed: Any) -> dict[str, Any]:
    """What a person posts to connect it, with the named fields changed."""
    return {
        "provider": "connectwise",
        "host": "api-na.myconnectwise.net",
        "company": "acme",
        "public_key": "canary-public",
        "private_key": "canary-private",
        "client_id": "canary-client",
    } | changed


def an_ingram(**changed: Any) -> IngramConnection:
    return IngramConnection.model_validate(ingram_body(**changed))


def a_connectwise(**changed: Any) -> ConnectWiseConnection:
    return ConnectWiseConnection.model_validate(connectwise_body(**changed))


class FakeProviders:
    """Both providers over one transport: recorded answers, where `replies` has no other answer or error."""

    def __init__(self) -> None:
        self.replies: dict[str, httpx.Response | Exception] = {}
        self.calls: list[httpx.Request] = []
        self._recorded = {
            f"{INGRAM}/token": recorded("vendors/ingram-micro/token.json"),
            f"{INGRAM}/customers": recorded("vendors/ingram-micro/one-customer.json"),
            "/login/companyinfo/acme": recorded("psa/connectwise/company-info.json"),
            f"{CONNECTWISE}/company/companies": httpx.Response(200, json=[{"id": 2}]),
            f"{CONNECTWISE}/finance/agreements": httpx.Response(200, json=[{"id": 77}]),
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        reply = (self._recorded | self.replies).get(request.url.path, httpx.Response(404, text="Not Found"))
        if isinstance(reply, Exception):
            raise reply
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.calls]

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)


def recorded(name: str) -> httpx.Response:
    return httpx.Response(200, content=(DATA / name).read_bytes())
