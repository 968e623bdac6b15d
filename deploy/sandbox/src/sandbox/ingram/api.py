"""The marketplace over HTTP: gateway first, then the bearer token, then the resource."""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import Clock
from sandbox.identity import Identity
from sandbox.ingram import listing
from sandbox.ingram.errors import IngramRefusal, gateway, refused
from sandbox.ingram.listing import Query
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import customer_row, subscription_detail

PREFIX = "/marketplace"
REGION = "/na"


@dataclass(frozen=True, slots=True)
class IngramApi:
    """Answers requests under `/marketplace`; without the region nothing is found."""

    marketplace: MarketplaceState
    identity: Identity
    clock: Clock

    async def answer(self, request: Request) -> Response:
        path = request.scope["path"].removeprefix(PREFIX)
        try:
            if not path.startswith(f"{REGION}/"):
                raise gateway(404, "Resource not found")
            resource = path.removeprefix(REGION)
            return _success(await self._resource(request, resource))
        except IngramRefusal as refusal:
            return respond(refusal, path.removeprefix(REGION))

    async def _resource(self, request: Request, path: str) -> dict[str, Any]:
        match [request.method, *path.split("/")[1:]]:
            case ["POST", "token"]:
                self._check_key(request)
                return await self._token(request)
            case ["GET", "customers" | "subscriptions" as kind, *entity_id]:
                self._check_key(request)
                self._check_bearer(request)
                return self._read(kind, entity_id, request.query_params)
        raise gateway(404, "Resource not found")

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("x-subscription-key")
        if given is None:
            raise gateway(
                401, "Access denied due to missing subscription key. Make sure to include subscription key."
            )
        if given != self.identity.subscription_key:
            raise gateway(
                401, "Access denied due to invalid subscription key. Make sure to provide a valid key."
            )

    def _check_bearer(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.marketplace.tokens.alive(token, self.clock()):
            raise refused(401, "Full authentication is required to access this resource")

    async def _token(self, request: Request) -> dict[str, Any]:
        if _basic(request.headers.get("authorization", "")) != (
            self.identity.username,
            self.identity.password,
        ):
            raise refused(401, "Bad credentials")
        wanted = _marketplace_code(await request.body())
        if wanted != self.identity.marketplace:
            raise refused(400, f"Marketplace '{wanted}' is not available")
        token = self.marketplace.tokens.issue(self.clock())
        return {"token": token, "expiresInSeconds": int(self.marketplace.tokens.life.total_seconds())}

    def _read(self, kind: str, entity_id: list[str], query: Query) -> dict[str, Any]:
        match kind, entity_id:
            case "customers", []:
                return listing.customers(self.marketplace, query)
            case "customers", [wanted] if customer := self.marketplace.customers.get(wanted):
                return customer_row(customer)
            case "subscriptions", []:
                return listing.subscriptions(self.marketplace, query)
            case "subscriptions", [wanted] if subscription := self.marketplace.subscriptions.get(wanted):
                return subscription_detail(subscription)
        # 400 and not 404: public clients recognise a missing entity by this text.
        raise refused(400, f"No entity has been found by the specified identifier {'/'.join(entity_id)}")


def respond(refusal: IngramRefusal, path: str) -> Response:
    """A refusal as an HTTP answer; only the application's own has a path and a correlation id."""
    if "statusCode" in refusal.body:
        return JSONResponse(refusal.body, refusal.status, refusal.headers)
    correlation_id = str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    body = {"timestamp": stamp, **refusal.body, "path": path, "correlationId": correlation_id}
    return JSONResponse(body, refusal.status, refusal.headers | {"X-Correlation-ID": correlation_id})


def _success(body: dict[str, Any]) -> Response:
    return JSONResponse(body, headers={"X-Correlation-ID": str(uuid.uuid4())})


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password


def _marketplace_code(body: bytes) -> str:
    try:
        given = json.loads(body)
    except ValueError:
        raise refused(400, "Required request body is missing") from None
    code = given.get("marketplace") if isinstance(given, dict) else None
    if not isinstance(code, str) or not code:
        raise refused(400, "Parameter 'marketplace' is required")
    return code
