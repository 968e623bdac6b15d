"""Both providers as auth calls them, and everything a person types to connect them."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from auth.credentials.connections import ConnectWiseConnection, IngramConnection

DATA = Path(__file__).parents[1] / "data"
INGRAM = "/marketplace/na"
CONNECTWISE = "/v2025_1/apis/3.0"
OURS, SISTERS = ("27", "28", "29", "30", "31", "32"), ("81", "82")
"""The customers of two resellers, newest first."""
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


class Marketplace(FakeProviders):
    """The marketplace as the users of two resellers see it."""

    def __init__(self, ours: str | None = "1000001", sisters: str | None = "1000002") -> None:
        super().__init__()
        self.seen_by: dict[str, Sequence[str]] = {"acme.api": OURS, "sister.api": SISTERS}
        """Ids of customers, newest first, by user."""
        self.resellers = {**dict.fromkeys(OURS, ours), **dict.fromkeys(SISTERS, sisters)}
        """Whom the rows name, by customer; None where they name nobody."""
        self.rows_tell = True
        """Whether list rows name the reseller; details always do."""
        self._user = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == f"{INGRAM}/token":
            basic = request.headers["authorization"].removeprefix("Basic ")
            self._user = base64.b64decode(basic).decode().partition(":")[0]
        if not path.startswith(f"{INGRAM}/customers"):
            return super().__call__(request)
        self.calls.append(request)
        seen, wanted = self.seen_by[self._user], path.removeprefix(f"{INGRAM}/customers").strip("/")
        if not wanted:
            rows = [self._row(id_, told=self.rows_tell) for id_ in seen]
            return httpx.Response(200, json={"data": rows[: int(request.url.params["limit"])]})
        if wanted not in seen:
            return httpx.Response(400, json={"message": "No entity has been found"})
        return httpx.Response(200, json=self._row(wanted, told=True))

    def _row(self, id_: str, *, told: bool) -> dict[str, Any]:
        reseller = self.resellers[id_] if told else None
        return {"id": id_, "name": f"Customer {id_}"} | ({"resellerId": reseller} if reseller else {})


def recorded(name: str) -> httpx.Response:
    return httpx.Response(200, content=(DATA / name).read_bytes())
