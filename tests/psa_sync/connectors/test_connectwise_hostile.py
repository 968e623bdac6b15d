"""What a PSA may answer that would fill the memory, or never end."""

import itertools
import time
from collections.abc import Callable
from decimal import Decimal

import httpx
import pytest
from connectwise import BASE, failing
from http_fakes import an_api

from psa_sync.connectors.connectwise.connector import PAGE_SIZE, ConnectWiseConnector
from psa_sync.psa import Listing
from shared.errors import UnexpectedResponse
from shared.limits import Limit

FEW_ROWS = Limit("few-rows", 3 * PAGE_SIZE, "rows", "a list", "refused")


def full_page(link: str, first: int = 1) -> httpx.Response:
    rows = [{"id": first + n, "identifier": "c", "name": "Company"} for n in range(PAGE_SIZE)]
    return httpx.Response(200, json=rows, headers={"Link": link})


def next_link(page_id: str) -> str:
    return f'<{BASE}/company/companies?pageSize=1000&pageId={page_id}>; rel="next"'


async def read_all(handler: Callable[[httpx.Request], httpx.Response], **limits: Limit) -> int:
    psa = ConnectWiseConnector(an_api(handler), **limits)
    return len([company async for company in psa.companies()])


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        (next_link("9" * 100_000), "more than 8,192 characters"),
        (next_link("9" * 4_000), "pageId of more than 18 digits"),
        (next_link("-5"), "names no pageId"),
        (next_link("%D9%A3"), "names no pageId"),
        (next_link(""), "names no pageId"),
        ('<http://[>; rel="next"', "links to the next page unreadably"),
        ("<" * 8_000, "links to the next page unreadably"),
        ("more", "links to the next page unreadably"),
    ],
)
async def test_a_link_that_cannot_be_followed_is_an_error_and_not_the_end(link: str, sentence: str) -> None:
    with pytest.raises(UnexpectedResponse, match=sentence):
        await read_all(lambda _: full_page(link))


async def test_a_link_of_sixty_thousand_brackets_costs_no_time() -> None:
    since = time.process_time()
    with pytest.raises(UnexpectedResponse, match="8,192 characters"):
        await read_all(lambda _: full_page("<" * 60_000))

    assert time.process_time() - since < 1


async def test_a_list_of_ever_new_rows_ends_with_an_error() -> None:
    pages = itertools.count(1)

    def handler(_: httpx.Request) -> httpx.Response:
        page = next(pages)
        return full_page(next_link(str(page * PAGE_SIZE)), first=page * PAGE_SIZE)

    with pytest.raises(UnexpectedResponse, match="/company/companies has more than 3,000 rows: they are not"):
        await read_all(handler, list_rows=FEW_ROWS)


@pytest.mark.parametrize("count", ["1e30", "true", "-1", '"7"', "1.0", "null", "9" * 52_000, "1E+9999999"])
async def test_a_count_that_is_none_is_refused(count: str) -> None:
    server = failing(httpx.Response(200, text=f'{{"count": {count}}}'))

    with pytest.raises(UnexpectedResponse, match="ConnectWise /company/companies/count has no count"):
        await server.psa.count(Listing.COMPANIES)


async def test_a_count_beyond_what_a_list_may_have_is_refused() -> None:
    with pytest.raises(UnexpectedResponse, match="has more than 1,000,000 rows"):
        await failing(httpx.Response(200, json={"count": 10**30})).psa.count(Listing.COMPANIES)


async def test_a_request_id_without_end_is_shortened() -> None:
    reply = httpx.Response(200, json={"id": 1, "quantity": 3}, headers={"x-cw-request-id": "r" * 50_000})

    acknowledged = await failing(reply).psa.set_quantity("77", "1", Decimal(3))

    assert acknowledged.request_id == "r" * 100


async def test_a_request_id_with_a_control_character_is_shown_without_it() -> None:
    reply = httpx.Response(200, json={"id": 1, "quantity": 3}, headers=[(b"x-cw-request-id", b"req\x9b2J")])

    acknowledged = await failing(reply).psa.set_quantity("77", "1", Decimal(3))

    assert acknowledged.request_id == "req\ufffd2J"
