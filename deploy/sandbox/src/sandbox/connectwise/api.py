"""Serves ConnectWise PSA over HTTP: discovery, code bases, credentials, then the resource."""

# A request is checked in the order of the real server, which decides what a wrong one is told:
# an unknown path cannot be routed (400, plain text), then the client id (403), then the keys (401 or, by
# switch, 404 as the cloud answers), then the resource (404), then the query or body (400).

import base64
import binascii
import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.connectwise.addition_writer import AdditionWriter
from sandbox.connectwise.errors import ConnectWiseRefusal, not_allowed, not_found
from sandbox.connectwise.fields import ADDITION, AGREEMENT, COMPANY, COMPANY_STATUS, PRODUCT, Record, Resource
from sandbox.connectwise.pages import Query, count_matching, paginate, project
from sandbox.connectwise.psa import PsaState, RecordCollection, render_addition
from sandbox.identity import Identity
from sandbox.switches import Switchboard

VERSION = "2025.1"
MEDIA_TYPE = f"application/vnd.connectwise.com+json; version={VERSION}"
PLAIN_JSON = "application/json; charset=utf-8"
DISCOVERY = "/login/companyinfo/"
API_PATH = re.compile(r"/(?:v2025_1|v4_6_release)/apis/3\.0/(.+)")
"""Both code bases reach the same tenant; `v4_6_release` is the router to the current one."""


@dataclass(frozen=True, slots=True)
class ConnectWiseApi:
    """Answers every path that belongs neither to the marketplace nor to the control API."""

    psa: PsaState
    writer: AdditionWriter
    identity: Identity
    switches: Switchboard

    async def answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        if path.startswith(DISCOVERY):
            return self._company_info(path.removeprefix(DISCOVERY), request)
        match = API_PATH.fullmatch(path)
        if match is None:
            return PlainTextResponse("Cannot route. Codebase/company is invalid", 400)
        try:
            self._check_credentials(request)
            return await self._resource(request, match[1].split("/"))
        except ConnectWiseRefusal as refusal:
            return respond(refusal)

    def _company_info(self, company: str, request: Request) -> Response:
        """Answer the discovery; an unknown company is a success with null in it (seen on the cloud)."""
        if company.casefold() != self.identity.company.casefold():
            return _json(None, media_type=PLAIN_JSON)
        info = {
            "CompanyName": "Trueup Demo MSP",
            "CompanyID": self.identity.company,
            "Codebase": "v2025_1/",
            "VersionCode": "v2025.1",
            "VersionNumber": "v4.6.99999",
            "IsCloud": True,
            "SiteUrl": request.headers.get("host", ""),
        }
        return _json(info, media_type=PLAIN_JSON)

    def _check_credentials(self, request: Request) -> None:
        if request.headers.get("clientid") != self.identity.client_id:
            raise ConnectWiseRefusal(
                403, {"code": "Forbidden", "message": "A valid clientId is required.", "errors": None}
            )
        expected = f"{self.identity.company}+{self.identity.public_key}:{self.identity.private_key}"
        if _decode_basic(request.headers.get("authorization", "")) != expected:
            status = self.switches.current.connectwise_bad_keys_status
            raise ConnectWiseRefusal(
                status, {"code": "ConnectWiseApi", "message": "UserNotAuthenticated", "errors": None}
            )

    async def _resource(self, request: Request, parts: list[str]) -> Response:
        match parts:
            case ["company", "companies", "statuses", *tail]:
                return self._read(request, COMPANY_STATUS, self.psa.company_statuses, tail)
            case ["company", "companies", *tail]:
                return self._read(request, COMPANY, self.psa.companies, tail)
            case ["procurement", "catalog", *tail]:
                return self._read(request, PRODUCT, self.psa.products, tail)
            case ["finance", "agreements", agreement_id, "additions", *tail]:
                return await self._additions(request, _parse_id("Agreement", agreement_id), tail)
            case ["finance", "agreements", *tail]:
                return self._read(request, AGREEMENT, self.psa.agreements, tail)
        raise not_found("Resource", "/".join(parts))

    async def _additions(self, request: Request, agreement_id: int, tail: list[str]) -> Response:
        lines = self.psa.additions_of(agreement_id)
        self.writer.deliver_held()
        match request.method, tail:
            case "GET", [line_id] if line_id != "count":
                row = _find(lines, ADDITION, line_id)
                self.writer.make_foreign_change(row, by_reading=True)
            case "POST", []:
                created = self.writer.create(agreement_id, await request.body())
                return _json(render_addition(created, self.psa), 201)
            case "PATCH", [line_id]:
                row = _find(lines, ADDITION, line_id)
                self.writer.make_foreign_change(row, by_reading=False)
                return _json(render_addition(self.writer.patch(row, await request.body()), self.psa))
        return self._read(request, ADDITION, lines, tail, render=lambda row: render_addition(row, self.psa))

    def _read(
        self,
        request: Request,
        resource: Resource,
        rows: RecordCollection,
        tail: list[str],
        *,
        render: Callable[[Record], Record] = dict,
    ) -> Response:
        if request.method != "GET":
            raise not_allowed(request.method)
        query = _query(request, resource)
        rendered: Iterable[Record] = map(render, rows.after(query.page_id))
        match tail:
            case []:
                page, headers = paginate(rendered, query)
                return _json(page, headers=headers)
            case ["count"]:
                return _json({"count": count_matching(rendered, query)})
            case [record_id]:
                return _json(project(render(_find(rows, resource, record_id)), query.fields))
        raise not_found(resource.name, "/".join(tail))


def respond(refusal: ConnectWiseRefusal) -> Response:
    """Return a refusal as an HTTP answer; errors have the plain JSON media type."""
    return _json(refusal.body, refusal.status, refusal.headers, media_type=PLAIN_JSON)


def _json(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, *, media_type: str = MEDIA_TYPE
) -> Response:
    trace_headers = {
        "x-cw-request-id": str(uuid.uuid4()),
        "api-current-version": VERSION,
        "x-server-name": "sandbox",
    }
    return Response(json.dumps(body), status, trace_headers | (headers or {}), media_type)


def _query(request: Request, resource: Resource) -> Query:
    return Query(
        url=f"{request.scope['scheme']}://{request.headers.get('host', '')}{request.scope['path']}",
        given=request.query_params,
        resource=resource,
        forward_only=request.headers.get("pagination-type", "").lower() == "forward-only",
    )


def _find(rows: RecordCollection, resource: Resource, record_id: str) -> Record:
    row = rows.get(_parse_id(resource.name, record_id))
    if row is None:
        raise not_found(resource.name, record_id)
    return row


def _parse_id(resource: str, text: str) -> int:
    if not text.isdecimal():
        raise not_found(resource, text)
    return int(text)


def _decode_basic(header: str) -> str | None:
    scheme, _, encoded = header.partition(" ")
    try:
        return base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else None
    except (binascii.Error, UnicodeDecodeError):
        return None
