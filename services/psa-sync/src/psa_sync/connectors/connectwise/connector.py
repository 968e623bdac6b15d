"""ConnectWise PSA (Manage) REST 3.0: companies, catalogue, agreements, additions; writes one quantity.

Lists are read forward-only: `pageId` is the last id seen, and the end is a short page or a `Link` without
`next` (ConnectWise Developer Guide, Pagination). Additions have no list across agreements.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from psa_sync.connectors.connectwise import rows
from psa_sync.psa import Agreement, CatalogueItem, Company, Listing, PsaLine, WriteAcknowledgement
from shared.errors import CredentialsRejected, NotFound, UnexpectedResponse
from shared.http_client.client import Api
from shared.http_client.response import ApiResponse
from shared.http_client.retry import CallPolicy

PAGE_SIZE = 1000
MEDIA_TYPE = "application/vnd.connectwise.com+json; version=2025.1"
POLICY = CallPolicy(
    read_timeout=timedelta(seconds=60),
    throttle_pause=timedelta(seconds=30),
    renew_on=frozenset({401, 404}),
)
"""No time-outs are published; 30 s is the vendor's own pause after a 429 without `Retry-After`.

An upgrade moves the code base, and every old address answers 404: access is asked for anew, once (§2.1).
"""
_FORWARD = {"pagination-type": "forward-only"}
_NEXT = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
_COMPANIES = "/company/companies"
_AGREEMENTS = "/finance/agreements"
_CATALOGUE = "/procurement/catalog"
_LISTS: Mapping[Listing, tuple[str, Mapping[str, str]]] = {
    Listing.COMPANIES: (_COMPANIES, {"conditions": "deletedFlag=false"}),
    Listing.PRODUCTS: (_CATALOGUE, {}),
    Listing.AGREEMENTS: (_AGREEMENTS, {}),
}


class ConnectWiseConnector:
    """One company's ConnectWise; holds the client, which must be open."""

    name: ClassVar[str] = "connectwise"
    headers: ClassVar[Mapping[str, str]] = {"Accept": MEDIA_TYPE}
    policy: ClassVar[CallPolicy] = POLICY

    def __init__(self, api: Api) -> None:
        self._api = api

    async def companies(self) -> AsyncIterator[Company]:
        """Deleted ones are not asked for; should one come all the same, it says so itself."""
        async for row in self._list(Listing.COMPANIES):
            yield rows.company(row)

    async def products(self) -> AsyncIterator[CatalogueItem]:
        async for row in self._list(Listing.PRODUCTS):
            yield rows.product(row)

    async def agreements(self) -> AsyncIterator[Agreement]:
        async for row in self._list(Listing.AGREEMENTS):
            yield rows.agreement(row)

    async def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine]:
        async for row in self._pages(f"{_AGREEMENTS}/{agreement.agreement_id}/additions", {}):
            yield rows.line(row, agreement)

    async def count(self, listing: Listing) -> int:
        path, conditions = _LISTS[listing]
        with _missing_means_refused():
            answer = await self._api.get(f"{path}/count", conditions)
        if not isinstance(answer, dict) or not isinstance(answer.get("count"), int):
            raise UnexpectedResponse(f"ConnectWise {path}/count has no count")
        return int(answer["count"])

    async def company(self, company_id: str) -> Company | None:
        row = await self._one(f"{_COMPANIES}/{company_id}")
        return rows.company(row) if row else None

    async def product(self, product_id: str) -> CatalogueItem | None:
        row = await self._one(f"{_CATALOGUE}/{product_id}")
        return rows.product(row) if row else None

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None:
        """The addition and, for its dates and currency, its agreement: two calls."""
        row = await self._one(f"{_AGREEMENTS}/{agreement_id}/additions/{line_id}")
        parent = await self._one(f"{_AGREEMENTS}/{agreement_id}") if row else None
        return rows.line(row, rows.agreement(parent)) if row and parent else None

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:
        """Sent once. An array with a bare field name, no RFC 6902 (ConnectWise Developer Guide, Patch)."""
        path = f"{_AGREEMENTS}/{agreement_id}/additions/{line_id}"
        patch = [{"op": "replace", "path": "quantity", "value": _json_number(quantity)}]
        answer = await self._api.request("PATCH", path, json=patch)
        row = answer.result()
        if not isinstance(row, dict):
            raise UnexpectedResponse(f"ConnectWise {path} answered a write with what is no object")
        return WriteAcknowledgement(rows.number(row.get("quantity")), answer.headers.get("x-cw-request-id"))

    async def _list(self, listing: Listing) -> AsyncIterator[rows.Row]:
        path, conditions = _LISTS[listing]
        with _missing_means_refused():
            async for row in self._pages(path, conditions):
                yield row

    async def _pages(self, path: str, conditions: Mapping[str, str]) -> AsyncIterator[rows.Row]:
        """Every row; the next page is asked for by its id alone, so a link can lead nowhere else."""
        params: dict[str, str | int] = {**conditions, "pageSize": PAGE_SIZE}
        seen = -1
        while True:
            answer = await self._api.request("GET", path, params=params, headers=_FORWARD)
            page = _rows_of(answer)
            for row in page:
                yield row
            after = _next_page(answer)
            if len(page) < PAGE_SIZE or after is None:
                return
            if after <= seen:
                raise UnexpectedResponse(f"ConnectWise {path} pages in circles: pageId {after} after {seen}")
            params["pageId"] = seen = after

    async def _one(self, path: str) -> rows.Row | None:
        """The record, or None once a call that must succeed has shown that a 404 means what it says."""
        try:
            row = await self._api.get(path)
        except NotFound:
            with _missing_means_refused():
                await self._api.get(_COMPANIES, {"pageSize": 1, "fields": "id"})
            return None
        if not isinstance(row, dict):
            raise UnexpectedResponse(f"ConnectWise {path} is no object")
        return row


@contextmanager
def _missing_means_refused() -> Iterator[None]:
    """What every company has answers 404: on the cloud that may be the keys, or a moved code base (§2.2)."""
    try:
        yield
    except NotFound as error:
        sentence = f"ConnectWise knows no such company or code base, or refuses the keys: {error}"
        raise CredentialsRejected(sentence, status=error.status) from error


def _rows_of(answer: ApiResponse) -> list[rows.Row]:
    page = answer.result()
    if not isinstance(page, list):
        raise UnexpectedResponse(f"{answer.call} answered with what is no list")
    return page


def _next_page(answer: ApiResponse) -> int | None:
    """The `pageId` of the link to the next page; the header is there but empty at the end."""
    link = _NEXT.search(answer.headers.get("link", ""))
    if link is None:
        return None
    ids = parse_qs(urlsplit(link[1]).query).get("pageId", [])
    if not ids or not ids[0].isdecimal():
        raise UnexpectedResponse(f"{answer.call} names no pageId in its link to the next page")
    return int(ids[0])


def _json_number(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)
