"""What a marketplace may answer that would fill the memory, or never end."""

import itertools
import json

import httpx
import pytest
from ingram import Handler, ingram

from shared.errors import UnexpectedResponse
from shared.limits import Limit, hits
from vendor_sync.marketplace import Customer, ListPage

FEW_ROWS = Limit("few-rows", 50, "rows", "a list", "refused")
FEW_PAGES = Limit("few-pages", 5, "pages", "a list", "refused")


async def accounts(handler: Handler, **limits: Limit) -> list[ListPage[Customer]]:
    async with ingram(handler, **limits) as marketplace:
        return [page async for page in marketplace.accounts()]


def one_page(total: str) -> Handler:
    text = f'{{"data": [{{"id": "1", "name": "one"}}], "pagination": {{"total": {total}}}}}'
    return lambda _: httpx.Response(200, text=text)


@pytest.mark.parametrize(
    "total",
    [
        "1e30",
        "1E+9999999",
        "-1",
        '"many"',
        "true",
        "1.5",
        '"NaN"',
        '"1e999999"',
        "[1]",
        "9" * 520_000,
        '"-0.5"',
    ],
)
async def test_a_total_that_is_no_count_is_refused_in_a_sentence(total: str) -> None:
    with pytest.raises(UnexpectedResponse, match=r"ingram-micro: .*/customers") as raised:
        await accounts(one_page(total))

    assert len(str(raised.value)) < 300


async def test_a_total_that_never_comes_true_is_refused_at_the_first_page() -> None:
    with pytest.raises(
        UnexpectedResponse, match="/customers has more than 1,000,000 rows: they are not read"
    ):
        await accounts(one_page("1000000000"))


@pytest.mark.parametrize("total", ["1", "1.0", '"1"', "null"])
async def test_a_total_is_read_as_it_was(total: str) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        first = request.url.params["offset"] == "0"
        return one_page(total)(request) if first else httpx.Response(200, json={"data": []})

    assert [row.account_id for page in await accounts(handler) for row in page.rows] == ["1"]


def endless(rows_in_a_page: int) -> Handler:
    numbers = itertools.count()

    def handler(_: httpx.Request) -> httpx.Response:
        rows = [{"id": str(next(numbers)), "name": "x"} for _ in range(rows_in_a_page)]
        return httpx.Response(200, json={"data": rows})

    return handler


async def test_a_list_of_ever_new_rows_ends_with_an_error() -> None:
    already = hits().get("few-rows", 0)

    with pytest.raises(UnexpectedResponse, match="has more than 50 rows"):
        await accounts(endless(20), list_rows=FEW_ROWS)

    assert hits()["few-rows"] == already + 1


async def test_a_list_of_ever_new_pages_ends_with_an_error() -> None:
    with pytest.raises(UnexpectedResponse, match="has more than 5 pages"):
        await accounts(endless(1), list_pages=FEW_PAGES)


@pytest.mark.parametrize("number", ["1E+9999999", "1e9999", "0." + "1" * 520_000])
async def test_a_number_that_would_fill_the_memory_refuses_its_subscription(number: str) -> None:
    row = {"id": "7", "customerId": "1", "status": "active", "products": [{"quantity": "NUMBER"}]}
    text = json.dumps(row).replace('"NUMBER"', number)

    async with ingram(lambda _: httpx.Response(200, text=text)) as marketplace:
        with pytest.raises(UnexpectedResponse, match="subscription 7 cannot be understood") as raised:
            await marketplace.subscription("7")

    assert len(str(raised.value)) < 300
