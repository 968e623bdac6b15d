"""Ingram Micro Cloud Marketplace, SimpleAPI 1.15: reads customers and subscriptions.

https://apidocs.cloud.im: GET /customers, /subscriptions?status=… → {"data": […], "pagination": {"offset",
"limit", "total"}}, newest first; GET /subscriptions/{id} → the only place where quantities are.
"""

# Invariant: over all pages of a list each thing comes once, and a list that holds fewer distinct things than
# the vendor counts says that it is short. A row that is created meanwhile shifts the others (Ingram Micro
# §6): one comes twice, one at a border is missed, so a list that falls short is read once more.
#
#   total 4: pages [4, 3] [3, 2] → 3 distinct → read again: [5, 4] [3, 2] → yields 5
#   still fewer than `total`     → a last page without rows, which is `short`
#
# A row that cannot be understood spoils no other: its page names it in `refused`, and it counts as seen. A
# list that has, or is said to have, more than `LIST_ROWS` or `LIST_PAGES` is refused: it might never end.

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import PermanentError, UnexpectedResponse
from shared.http_client.answer_size import ENTITY, PAGE
from shared.http_client.client import Api
from shared.http_client.json_document import Json
from shared.http_client.response import ApiResponse
from shared.limits import Limit, record_hit
from shared.limits.answers import LIST_PAGES, LIST_ROWS
from vendor_sync.connectors.ingram_micro.rows import (
    account_of,
    customer_id_of,
    detail_of,
    id_of,
    parsing,
    row_of,
)
from vendor_sync.marketplace import Customer, ListPage, RefusedRow, SubscriptionDetail, SubscriptionRow

PAGE_SIZES = (500, 100)
"""500 works, and more was never tried live (Ingram Micro §6); 100 is for a server that refuses it."""

_TOTAL_CHARACTERS = 40

T = TypeVar("T")
Query = Mapping[str, str | int]


class IngramMicroConnector:
    """Reads one marketplace through an open client, for one run at a time; raises `shared.errors`."""

    name: ClassVar[str] = "ingram-micro"

    def __init__(self, api: Api, *, list_rows: Limit = LIST_ROWS, list_pages: Limit = LIST_PAGES) -> None:
        self._api, self._list_rows, self._list_pages = api, list_rows, list_pages
        self._page_size = PAGE_SIZES[0]

    def accounts(self) -> AsyncIterator[ListPage[Customer]]:
        return self._pages("/customers", {}, account_of)

    async def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]:
        """Yields the subscriptions of one status: the API refuses a list of statuses (Ingram Micro §7.2)."""
        async for page in self._pages("/subscriptions", {"status": status.value}, row_of):
            # An unknown filter is ignored in silence (§8.7), so rows are never trusted to be of the status
            # that was asked for. The vendor's total was compared before any are left out.
            yield replace(page, rows=[row for row in page.rows if row.status is status])

    def account_subscriptions(self, account_id: str) -> AsyncIterator[ListPage[SubscriptionRow]]:
        """Lists one customer's subscriptions of every status; `customerId` may be ignored (§7.2)."""
        return self._pages("/subscriptions", {"customerId": account_id}, row_of, refuse=_refuse_entity)

    async def account(self, account_id: str) -> Customer | None:
        """Reads one customer (Ingram Micro §7.1); None when the marketplace has none by that id."""
        row = await self._entity(f"/customers/{account_id}")
        return None if row is None else account_of(row)

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        """Reads one subscription with its products (Ingram Micro §7.3); None when there is none."""
        row = await self._entity(f"/subscriptions/{subscription_id}")
        detail = None if row is None else detail_of(row)
        if detail and detail.row.subscription_id != subscription_id:
            raise UnexpectedResponse(
                f"subscription {subscription_id} answered as {detail.row.subscription_id}"
            )
        return detail

    async def _pages(
        self,
        path: str,
        query: Query,
        parse: Callable[[Json], T],
        *,
        refuse: Callable[[ApiResponse], None] = lambda _: None,
    ) -> AsyncIterator[ListPage[T]]:
        """Yields each thing once, however the list shifts while it is read."""
        seen_ids = set[str]()
        total = None
        for _ in range(2):
            nameless = 0
            async for rows, total in self._read_once(path, query, refuse):
                page = _parse_page(rows, total, parse, seen_ids=seen_ids)
                nameless += sum(row.id is None for row in page.refused)
                yield page
            # Without a total there is nothing to fall short of.
            if total is None or len(seen_ids) + nameless >= total:
                return
        yield ListPage((), total, short=True)

    async def _read_once(
        self, path: str, query: Query, refuse: Callable[[ApiResponse], None]
    ) -> AsyncIterator[tuple[list[Json], int | None]]:
        """Yields the pages with the vendor's total; without a total only an empty page ends the list."""
        offset, ids_before = 0, list[str | None]()
        for _ in range(self._list_pages.most):
            answer = await self._page(path, {**query, "offset": offset})
            refuse(answer)
            rows, total = _rows_and_total(answer.result(), path)
            ids = [_id_or_none(row) for row in rows]
            if any(ids) and ids == ids_before:
                raise UnexpectedResponse(f"{path} repeats the same page at offset {offset}")
            yield rows, total
            # By what came, not by what was asked for: a server may send fewer rows in a page.
            offset, ids_before = offset + len(rows), ids
            if not rows or (total is not None and offset >= total):
                return
            _assert_within(self._list_rows, max(offset, total or 0), path)
        _assert_within(self._list_pages, self._list_pages.most + 1, path)

    async def _page(self, path: str, query: Query) -> ApiResponse:
        """Reads one page; from the first refusal on in the smaller size."""
        answer = await self._api.request("GET", path, params={**query, "limit": self._page_size}, answer=PAGE)
        if answer.status == HTTPStatus.BAD_REQUEST and self._page_size != PAGE_SIZES[-1]:
            self._page_size = PAGE_SIZES[-1]
            answer = await self._api.request(
                "GET", path, params={**query, "limit": self._page_size}, answer=PAGE
            )
        return answer

    async def _entity(self, path: str) -> Json | None:
        answer = await self._api.request("GET", path, answer=ENTITY)
        _refuse_entity(answer)
        return None if _is_absent(answer) else answer.result()


def _refuse_entity(answer: ApiResponse) -> None:
    """Raises `PermanentError` for a 403 about one thing: whether the credentials are good, the lists tell."""
    if answer.status == HTTPStatus.FORBIDDEN:
        sentence = f"{answer.call} answered 403: {answer.message or 'nothing'}"
        raise PermanentError(sentence, status=answer.status, message=answer.message)


def _id_or_none(row: Json) -> str | None:
    """Returns the id of a row, None for a row that has none that can be used."""
    try:
        return id_of(row)
    except UnexpectedResponse:
        return None


def _parse_page(
    rows: Sequence[Json], total: int | None, parse: Callable[[Json], T], *, seen_ids: set[str]
) -> ListPage[T]:
    """Parses each row on its own that was not seen before, and notes its id as seen."""
    parsed: list[T] = []
    refused: list[RefusedRow] = []
    for row in rows:
        try:
            if (id_ := id_of(row)) not in seen_ids:
                seen_ids.add(id_)
                parsed.append(parse(row))
        except UnexpectedResponse as error:
            refused.append(RefusedRow(str(error), _id_or_none(row), customer_id_of(row)))
    return ListPage(parsed, total, refused=refused)


def _is_absent(answer: ApiResponse) -> bool:
    """Tells whether the application itself says that there is no such entity (Ingram Micro §4).

    That is a 400 "No entity has been found …" or a 404 of the application; other 404s are about the address.
    """
    if answer.status == HTTPStatus.BAD_REQUEST:
        return "no entity has been found" in answer.message.lower()
    # The gateway's own errors have a `statusCode`; whatever else may stand in between answers no JSON at all.
    by_application = isinstance(answer.json, dict) and "statusCode" not in answer.json
    return answer.status == HTTPStatus.NOT_FOUND and by_application


def _rows_and_total(body: Json, path: str) -> tuple[list[Any], int | None]:
    with parsing(f"a page of {path}"):
        rows = body["data"]
        pagination = body.get("pagination") or {}
        total = pagination.get("total")
        if not isinstance(rows, list):
            raise TypeError("data is no list")
        return rows, None if total is None else _parse_total(total)


def _parse_total(value: Json) -> int:
    """Returns how many rows the vendor counts: a whole number, or one in a text."""
    text = str(value)
    if isinstance(value, bool) or len(text) > _TOTAL_CHARACTERS or Decimal(text) % 1 or Decimal(text) < 0:
        raise ValueError(f"{text[:_TOTAL_CHARACTERS]} is no count of rows")
    return int(Decimal(text))


def _assert_within(limit: Limit, count: int, path: str) -> None:
    if count > limit.most:
        record_hit(limit)
        raise UnexpectedResponse(f"ingram-micro: {path} has more than {limit}: they are not read")
