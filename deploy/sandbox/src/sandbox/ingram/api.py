"""Serves the marketplace over HTTP: gateway first, then the bearer token, then the resource."""

# Who refuses a request decides which of the two error bodies its caller sees:
#
#   gateway       unknown path or method (404), missing or wrong subscription key (401)
#   application   wrong user, password or token (401), wrong marketplace (400), unknown entity (400)
#
# The gateway stands in front, so a wrong key is told even when the token is wrong as well.

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.clock import Clock
from sandbox.identity import Identity
from sandbox.ingram import listing
from sandbox.ingram.errors import IngramRefusal, application_refusal, gateway_refusal
from sandbox.ingram.listing import Query
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import customer_row, subscription_detail
from sandbox.switches import Switchboard

PREFIX = "/marketplace"
REGION = "/na"


@dataclass(frozen=True, slots=True)
class IngramApi:
    """Answers requests under `/marketplace`; a path without the region is not found."""

    marketplace: MarketplaceState
    sister: MarketplaceState
    """What a sister company sees, who is another reseller of the same marketplace."""
    identity: Identity
    clock: Clock
    switches: Switchboard

    async def answer(self, request: Request) -> Response:
        path = request.scope["path"].removeprefix(PREFIX)
        try:
            if not path.startswith(f"{REGION}/"):
                raise gateway_refusal(404, "Resource not found")
            resource = path.removeprefix(REGION)
            body = await self._resource(request, resource)
            return JSONResponse(body, headers={"X-Correlation-ID": str(uuid.uuid4())})
        except IngramRefusal as refusal:
            return respond(refusal, path.removeprefix(REGION))

    async def _resource(self, request: Request, path: str) -> dict[str, Any]:
        match [request.method, *path.split("/")[1:]]:
            case ["POST", "token"]:
                self._check_key(request)
                return await self._issue_token(request)
            case ["GET", "customers" | "subscriptions" as kind, *entity_id]:
                self._check_key(request)
                self._check_bearer_token(request)
                return self._read(kind, entity_id, request.query_params)
        raise gateway_refusal(404, "Resource not found")

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("x-subscription-key")
        if given is None:
            raise gateway_refusal(
                401, "Access denied due to missing subscription key. Make sure to include subscription key."
            )
        if given != self.identity.subscription_key:
            raise gateway_refusal(
                401, "Access denied due to invalid subscription key. Make sure to provide a valid key."
            )

    def _check_bearer_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.marketplace.tokens.is_valid(token, self.clock()):
            raise application_refusal(401, "Full authentication is required to access this resource")

    async def _issue_token(self, request: Request) -> dict[str, Any]:
        if _decode_basic(request.headers.get("authorization", "")) != (
            self.identity.username,
            self.identity.password,
        ):
            raise application_refusal(401, "Bad credentials")
        code = _marketplace_code(await request.body())
        if code != self.identity.marketplace:
            raise application_refusal(400, f"Marketplace '{code}' is not available")
        token = self.marketplace.tokens.issue(self.clock())
        return {"token": token, "expiresInSeconds": int(self.marketplace.tokens.lifetime.total_seconds())}

    def _read(self, kind: str, entity_id: list[str], query: Query) -> dict[str, Any]:
        switches = self.switches.current
        seen = self.sister if switches.ingram_sister_company else self.marketplace
        render_customer = partial(customer_row, names_reseller=switches.ingram_names_reseller)
        match kind, entity_id:
            case "customers", []:
                return listing.customers(seen, query, render_customer)
            case "customers", [customer_id] if customer := seen.customers.get(customer_id):
                return render_customer(customer)
            case "subscriptions", []:
                return listing.subscriptions(seen, query)
            case "subscriptions", [id_] if subscription := seen.subscriptions.get(id_):
                return subscription_detail(subscription)
        # 400 and not 404: public clients recognise a missing entity by this text.
        raise application_refusal(
            400, f"No entity has been found by the specified identifier {'/'.join(entity_id)}"
        )


def respond(refusal: IngramRefusal, path: str) -> Response:
    """Return a refusal as an HTTP answer; only the application's has a path and a correlation id."""
    if "statusCode" in refusal.body:
        return JSONResponse(refusal.body, refusal.status, refusal.headers)
    correlation_id = str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    body = {"timestamp": stamp, **refusal.body, "path": path, "correlationId": correlation_id}
    return JSONResponse(body, refusal.status, refusal.headers | {"X-Correlation-ID": correlation_id})


def _decode_basic(header: str) -> tuple[str, str] | None:
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
        raise application_refusal(400, "Required request body is missing") from None
    code = given.get("marketplace") if isinstance(given, dict) else None
    if not isinstance(code, str) or not code:
        raise application_refusal(400, "Parameter 'marketplace' is required")
    return code
