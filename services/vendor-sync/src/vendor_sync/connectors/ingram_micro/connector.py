"""Ingram Micro Cloud Marketplace, SimpleAPI 1.15.

https://apidocs.cloud.im: GET /customers, /subscriptions?status=… → {"data": […], "pagination": {"offset",
"limit", "total"}}, newest first; GET /subscriptions/{id} → the only place where quantities are.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, TypeVar

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import UnexpectedResponse
from shared.http_client.client import Api
from shared.http_client.response import ApiResponse, Json
from vendor_sync.connectors.ingram_micro.rows import account_of, detail_of, id_of, parsing, row_of
from vendor_sync.marketplace import Customer, ListPage, SubscriptionDetail, SubscriptionRow

PAGE_SIZES = (500, 100)
"""500 works, larger was never tried live; the smaller one when it is refused."""

T = TypeVar("T")
Query = Mapping[str, str | int]


class IngramMicroConnector:
    """Reads one marketplace; raises our errors. Not for use by two runs at a time."""

    name: ClassVar[str] = "ingram-micro"

    def __init__(self, api: Api) -> None:
        self._api = api
        self._size = PAGE_SIZES[0]

    @property
    def held_for(self) -> float:
        return self._api.wait_seconds

    def accounts(self) -> AsyncIterator[ListPage[Customer]]:
        return self._pages("/customers", {}, account_of)

    async def subscriptions(self, status: SubscriptionStatus) -> AsyncIterator[ListPage[SubscriptionRow]]:
        """One status at a time: a list of statuses is refused, and a mistyped filter ignored in silence."""
        async for page in self._pages("/subscriptions", {"status": status.value}, row_of):
            # An unknown filter is ignored, so rows are never trusted to be of the status asked for; the
            # vendor's total was compared before any are left out.
            yield ListPage([row for row in page.rows if row.status is status], page.total, page.short)

    async def account(self, account_id: str) -> Customer | None:
        """One customer, or None when there is none by that id."""
        found = await self._found(f"/customers/{account_id}")
        return None if found is None else account_of(found)

    async def subscription(self, subscription_id: str) -> SubscriptionDetail | None:
        """One subscription with its products, or None when there is none by that id."""
        found = await self._found(f"/subscriptions/{subscription_id}")
        detail = None if found is None else detail_of(found)
        if detail and detail.row.subscription_id != subscription_id:
            raise UnexpectedResponse(
                f"subscription {subscription_id} answered as {detail.row.subscription_id}"
            )
        return detail

    async def _pages(self, path: str, query: Query, parse: Callable[[Json], T]) -> AsyncIterator[ListPage[T]]:
        """Each thing once, however the list shifts while it is read; read again once if it falls short."""
        seen: set[str] = set()
        total = None
        for _ in range(2):
            async for rows, total in self._pass(path, query):
                # A row that is created meanwhile shifts the others to the next page: they come twice.
                fresh = {id_of(row): row for row in rows if id_of(row) not in seen}
                seen |= fresh.keys()
                yield ListPage([parse(row) for row in fresh.values()], total)
            # Without a total there is nothing to fall short of.
            if total is None or len(seen) >= total:
                return
        yield ListPage((), total, short=True)

    async def _pass(self, path: str, query: Query) -> AsyncIterator[tuple[list[Json], int | None]]:
        """The pages as they come: maybe shorter than asked for; without a total only an empty one ends."""
        offset, before = 0, list[Json]()
        while True:
            rows, total = _page(await self._get(path, {**query, "offset": offset}), path)
            if rows and rows == before:
                raise UnexpectedResponse(f"{path} repeats the same page at offset {offset}")
            yield rows, total
            offset, before = offset + len(rows), rows
            if not rows or (total is not None and offset >= total):
                return

    async def _get(self, path: str, query: Query) -> Json:
        answer = await self._asked(path, query)
        if answer.status == HTTPStatus.BAD_REQUEST and self._size != PAGE_SIZES[-1]:
            self._size = PAGE_SIZES[-1]
            answer = await self._asked(path, query)
        return answer.result()

    async def _asked(self, path: str, query: Query) -> ApiResponse:
        return await self._api.request("GET", path, params={**query, "limit": self._size})

    async def _found(self, path: str) -> Json | None:
        answer = await self._api.request("GET", path)
        return None if _is_gone(answer) else answer.result()


def _is_gone(answer: ApiResponse) -> bool:
    """400 "No entity has been found …", or a 404 of the application itself: others are about the address."""
    if answer.status == HTTPStatus.BAD_REQUEST:
        return "no entity has been found" in answer.message.lower()
    # The gateway says `statusCode`, and whatever else may stand in between no JSON at all.
    by_application = isinstance(answer.json, dict) and "statusCode" not in answer.json
    return answer.status == HTTPStatus.NOT_FOUND and by_application


def _page(body: Json, path: str) -> tuple[list[Any], int | None]:
    with parsing(f"a page of {path}"):
        rows = body["data"]
        pagination = body.get("pagination") or {}
        total = pagination.get("total")
        if not isinstance(rows, list):
            raise TypeError("data is no list")
        return rows, None if total is None else int(total)
