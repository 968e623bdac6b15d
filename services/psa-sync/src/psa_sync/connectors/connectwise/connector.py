"""ConnectWise PSA (Manage) REST 3.0: reads companies, products, agreements, additions; writes a quantity."""

# Invariant: a 404 makes nothing absent by itself. On the cloud it may also mean refused keys or a moved code
# base (ConnectWise §2.2), so a record counts as missing only while something else is found:
#
#   GET …/additions/901 → 404, then GET /company/companies?pageSize=1 → 200: the addition is gone
#                                                                     → 404: the credentials are refused
#
# A company's status is a tenant's own word, so the flag of that status tells whether it is active (§2.5). The
# statuses are read once a connection, when the first company has one; a role that may not read them leaves
# every company active, as nothing says otherwise.
#
# A row that cannot be understood is yielded as such, in its place: it spoils no other row, and it is there.
#
# A list ends with a short page or a `Link` without `next` (ConnectWise Developer Guide, Pagination), and with
# an error beyond `LIST_ROWS`, however many full pages of new ids a server may have.

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, TypeVar

import structlog

from psa_sync.connectors.connectwise import rows
from psa_sync.connectors.connectwise.page_link import next_page_id
from psa_sync.psa import (
    Agreement,
    CatalogueItem,
    Company,
    Listing,
    PsaLine,
    UnreadableRow,
    WriteAcknowledgement,
)
from shared.errors import CredentialsRejected, NotFound, UnexpectedResponse
from shared.http_client.answer_size import ENTITY, PAGE
from shared.http_client.client import Api
from shared.http_client.retry import CallPolicy
from shared.limits import Limit, record_hit
from shared.limits.answers import LIST_ROWS
from shared.plain_text import cleaned

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

log = structlog.get_logger()


class ConnectWiseConnector:
    """Reads one company's ConnectWise and writes quantities to it through an open client."""

    name: ClassVar[str] = "connectwise"

    def __init__(self, api: Api, *, list_rows: Limit = LIST_ROWS) -> None:
        self._api, self._list_rows = api, list_rows
        self._inactive_status_ids: frozenset[int] | None = None

    async def companies(self) -> AsyncIterator[Company | UnreadableRow]:
        """Yields the companies; a deleted one is not asked for, and not `present` should it come."""
        async for thing in self._list(Listing.COMPANIES, rows.company_with_status):
            yield thing if isinstance(thing, UnreadableRow) else await self._with_activity(*thing)

    def products(self) -> AsyncIterator[CatalogueItem | UnreadableRow]:
        return self._list(Listing.PRODUCTS, rows.product)

    def agreements(self) -> AsyncIterator[Agreement | UnreadableRow]:
        return self._list(Listing.AGREEMENTS, rows.agreement)

    async def company_agreements(self, company_id: str) -> AsyncIterator[Agreement | UnreadableRow]:
        """Yields the agreements of one company; what a PSA that ignores the condition adds is left out."""
        conditions = {"conditions": f"company/id={int(company_id)}"}
        with _missing_means_refused():
            async for agreement in self._parsed(_AGREEMENTS, conditions, rows.agreement):
                # A row whose company cannot be read is taken to match the condition, as nearly all do.
                is_unreadable = isinstance(agreement, UnreadableRow) and not agreement.company_id
                if agreement.company_id == company_id or is_unreadable:
                    yield agreement

    def lines(self, agreement: Agreement) -> AsyncIterator[PsaLine | UnreadableRow]:
        path = f"{_AGREEMENTS}/{agreement.agreement_id}/additions"
        return self._parsed(path, {}, lambda row: rows.line(row, agreement))

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
        return await self._with_activity(*rows.company_with_status(row)) if row else None

    async def product(self, product_id: str) -> CatalogueItem | None:
        row = await self._entity(f"{_CATALOGUE}/{product_id}")
        return rows.product(row) if row else None

    async def agreement(self, agreement_id: str) -> Agreement | None:
        row = await self._entity(f"{_AGREEMENTS}/{agreement_id}")
        return rows.agreement(row) if row else None

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

    async def _with_activity(self, company: Company, status_id: int | None) -> Company:
        if status_id is None:
            return company
        if self._inactive_status_ids is None:
            self._inactive_status_ids = await self._read_inactive_statuses()
        return replace(company, active=status_id not in self._inactive_status_ids)

    async def _read_inactive_statuses(self) -> frozenset[int]:
        try:
            statuses = [rows.company_status(row) async for row in self._pages(f"{_COMPANIES}/statuses", {})]
        except (CredentialsRejected, NotFound, UnexpectedResponse) as error:
            # The right to read companies does not include this one, and their list was read a moment ago.
            log.warning("company_statuses_unread", error=str(error))
            return frozenset()
        return frozenset(status_id for status_id, is_inactive in statuses if is_inactive)

    async def _list(
        self, listing: Listing, parse: Callable[[rows.Row], T]
    ) -> AsyncIterator[T | UnreadableRow]:
        path, conditions = _LISTS[listing]
        with _missing_means_refused():
            async for thing in self._parsed(path, conditions, parse):
                yield thing

    async def _parsed(
        self, path: str, conditions: Mapping[str, str], parse: Callable[[rows.Row], T]
    ) -> AsyncIterator[T | UnreadableRow]:
        async for row in self._pages(path, conditions):
            try:
                thing: T | UnreadableRow = parse(row)
            except UnexpectedResponse as error:
                thing = rows.unreadable(row, str(error))
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
            after = next_page_id(answer)
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
