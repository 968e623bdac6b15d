"""ConnectWise PSA (Manage) REST 3.0: reads companies, products, agreements, additions; writes a quantity."""

# Invariant: a 404 makes nothing absent by itself. On the cloud it may also mean refused keys or a moved code
# base (ConnectWise §2.2), so a record counts as missing only while something else is found:
#
#   GET …/additions/901 → 404, then GET /company/companies?pageSize=1 → 200: the addition is gone
#                                                                     → 404: the credentials are refused
#
# A list ends with a short page or a `Link` without `next` (ConnectWise Developer Guide, Pagination), and with
# an error beyond `LIST_ROWS`, however many full pages of new ids a server may have.

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

from psa_sync.connectors.connectwise import rows
from psa_sync.psa import Agreement, CatalogueItem, Company, Listing, PsaLine, WriteAcknowledgement
from shared.errors import CredentialsRejected, NotFound, UnexpectedResponse
from shared.http_client.answer_size import ENTITY, PAGE
from shared.http_client.client import Api
from shared.http_client.link_header import link_target
from shared.http_client.response import ApiResponse
from shared.http_client.retry import CallPolicy
from shared.limits import Limit, record_hit
from shared.limits.answers import HEADER_CHARACTERS, LIST_ROWS, PAGE_ID_DIGITS
from shared.plain_text import cleaned
from shared.refusals import Refusals

PAGE_SIZE = 1000
"""The largest that the API gives (ConnectWise §2.3)."""
MEDIA_TYPE = "application/vnd.connectwise.com+json; version=2025.1"
"""Pinned: without a version the answer is the newest model (ConnectWise §2.2)."""
HEADERS: Mapping[str, str] = {"Accept": MEDIA_TYPE}
POLICY = CallPolicy(
    read_timeout=timedelta(seconds=60), throttle_pause=timedelta(seconds=30), renew_on=frozenset({401, 404})
)
"""No time-outs are published; 30 s is the vendor's own pause after a 429 without `Retry-After`.

An upgrade moves the code base, and every old address answers 404: access is asked for anew, once (§2.1).
"""
_FORWARD_ONLY = {"pagination-type": "forward-only"}
_REQUEST_ID_CHARACTERS = 100
_COMPANIES = "/company/companies"
_AGREEMENTS = "/finance/agreements"
_CATALOGUE = "/procurement/catalog"
_LISTS: Mapping[Listing, tuple[str, Mapping[str, str]]] = {
    Listing.COMPANIES: (_COMPANIES, {"conditions": "deletedFlag=false"}),
    Listing.PRODUCTS: (_CATALOGUE, {}),
    Listing.AGREEMENTS: (_AGREEMENTS, {}),
}

T = TypeVar("T")


class ConnectWiseConnector:
    """Reads one company's ConnectWise and writes quantities to it through an open client."""

    name: ClassVar[str] = "connectwise"

    def __init__(self, api: Api, *, list_rows: Limit = LIST_ROWS) -> None:
        self._api, self._list_rows = api, list_rows
        self.refusals: defaultdict[Listing, Refusals] = defaultdict(Refusals)

    async def companies(self) -> AsyncIterator[Company]:
        """Yields the companies; a deleted one is not asked for, and not `present` should it come."""
        async for company in self._list(Listing.COMPANIES, rows.company):
            yield company

    async def products(self) -> AsyncIterator[CatalogueItem]:
        async for product in self._list(Listing.PRODUCTS, rows.product):
            yield product

    async def agreements(self) -> AsyncIterator[Agreement]:
        async for agreement in self._list(Listing.AGREEMENTS, rows.agreement):
            yield agreement

    async def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine]:
        async for row in self._pages(f"{_AGREEMENTS}/{agreement.agreement_id}/additions", {}):
            yield rows.line(row, agreement)

    async def count(self, listing: Listing) -> int:
        path, conditions = _LISTS[listing]
        with _missing_means_refused():
            answer = await self._api.get(f"{path}/count", conditions)
        count = answer.get("count") if isinstance(answer, dict) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise UnexpectedResponse(f"ConnectWise {path}/count has no count")
        self._assert_rows(count, path)
        return count

    async def company(self, company_id: str) -> Company | None:
        row = await self._entity(f"{_COMPANIES}/{company_id}")
        return rows.company(row) if row else None

    async def product(self, product_id: str) -> CatalogueItem | None:
        row = await self._entity(f"{_CATALOGUE}/{product_id}")
        return rows.product(row) if row else None

    async def line(self, agreement_id: str, line_id: str) -> PsaLine | None:
        """Reads the addition and, for its dates and currency, its agreement; None when either is gone."""
        row = await self._entity(f"{_AGREEMENTS}/{agreement_id}/additions/{line_id}")
        parent = await self._entity(f"{_AGREEMENTS}/{agreement_id}") if row else None
        return rows.line(row, rows.agreement(parent)) if row and parent else None

    async def reread(self, line: PsaLine) -> PsaLine | None:
        """Reads the addition again, under its agreement as it was read before: one call."""
        row = await self._entity(f"{_AGREEMENTS}/{line.agreement.agreement_id}/additions/{line.line_id}")
        return rows.line(row, line.agreement) if row else None

    async def set_quantity(self, agreement_id: str, line_id: str, quantity: Decimal) -> WriteAcknowledgement:
        """Sends the quantity once, as a number.

        The body is an array with a bare field name, not RFC 6902 (ConnectWise Developer Guide, Patch). Raises
        `OutcomeUnknown` without an answer, `Conflict` when the record is in use (409, ConnectWise §2.8).
        """
        path = f"{_AGREEMENTS}/{agreement_id}/additions/{line_id}"
        is_whole = quantity == quantity.to_integral_value()
        number = int(quantity) if is_whole else float(quantity)
        patch = [{"op": "replace", "path": "quantity", "value": number}]
        answer = await self._api.request("PATCH", path, json=patch, answer=ENTITY)
        row = answer.result()
        if not isinstance(row, dict):
            raise UnexpectedResponse(f"ConnectWise {path} answered a write with what is no object")
        request_id = cleaned(answer.headers.get("x-cw-request-id", "")[:_REQUEST_ID_CHARACTERS])
        return WriteAcknowledgement(rows.written_quantity(row), request_id or None, rows.last_update(row))

    async def _list(self, listing: Listing, parse: Callable[[rows.Row], T]) -> AsyncIterator[T]:
        """Yields what can be understood; a row that cannot makes the list fall short of the PSA's count."""
        path, conditions = _LISTS[listing]
        with _missing_means_refused():
            async for row in self._pages(path, conditions):
                try:
                    thing = parse(row)
                except UnexpectedResponse as error:
                    self.refusals[listing].note([str(error)])
                else:
                    yield thing

    async def _pages(self, path: str, conditions: Mapping[str, str]) -> AsyncIterator[rows.Row]:
        """Yields every row; of a link only the next page's id is used, so it can lead nowhere else."""
        params: dict[str, str | int] = {**conditions, "pageSize": PAGE_SIZE}
        last_id, read = -1, 0
        while True:
            answer = await self._api.request("GET", path, params=params, headers=_FORWARD_ONLY, answer=PAGE)
            page = answer.result()
            if not isinstance(page, list):
                raise UnexpectedResponse(f"{answer.call} answered with what is no list")
            read += len(page)
            self._assert_rows(read, path)
            for row in page:
                yield row
            after = _next_page(answer)
            if len(page) < PAGE_SIZE or after is None:
                return
            if after <= last_id:
                raise UnexpectedResponse(
                    f"ConnectWise {path} pages in circles: pageId {after} after {last_id}"
                )
            params["pageId"] = last_id = after

    def _assert_rows(self, count: int, path: str) -> None:
        if count > self._list_rows.most:
            record_hit(self._list_rows)
            raise UnexpectedResponse(f"ConnectWise {path} has more than {self._list_rows}: they are not read")

    async def _entity(self, path: str) -> rows.Row | None:
        """Reads one record; None only once a call that must succeed has proven that the keys are good."""
        try:
            row = await self._api.get(path, answer=ENTITY)
        except NotFound:
            with _missing_means_refused():
                await self._api.get(_COMPANIES, {"pageSize": 1, "fields": "id"}, answer=ENTITY)
            return None
        if not isinstance(row, dict):
            raise UnexpectedResponse(f"ConnectWise {path} is no object")
        return row


@contextmanager
def _missing_means_refused() -> Iterator[None]:
    """Turns a 404 of what every company has into `CredentialsRejected` (ConnectWise §2.2)."""
    try:
        yield
    except NotFound as error:
        sentence = f"ConnectWise knows no such company or code base, or refuses the keys: {error}"
        raise CredentialsRejected(sentence, status=error.status) from error


def _next_page(answer: ApiResponse) -> int | None:
    """Returns the `pageId` of the next page, None at the end, where the header is there but empty (§2.4)."""
    header = answer.headers.get("link", "")
    if len(header) > HEADER_CHARACTERS.most:
        record_hit(HEADER_CHARACTERS)
        raise UnexpectedResponse(f"{answer.call} links to the next page in more than {HEADER_CHARACTERS}")
    try:
        target = link_target(header, "next")
        ids = parse_qs(urlsplit(target).query).get("pageId", [""]) if target is not None else None
    except ValueError as error:
        raise UnexpectedResponse(f"{answer.call} links to the next page unreadably: {error}") from error
    if ids is None:
        return None
    if not ids[0].isascii() or not ids[0].isdecimal():
        raise UnexpectedResponse(f"{answer.call} names no pageId in its link to the next page")
    if len(ids[0]) > PAGE_ID_DIGITS.most:
        record_hit(PAGE_ID_DIGITS)
        raise UnexpectedResponse(f"{answer.call} names a pageId of more than {PAGE_ID_DIGITS}")
    return int(ids[0])
