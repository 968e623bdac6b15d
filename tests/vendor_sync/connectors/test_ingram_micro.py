from collections.abc import Awaitable, Callable

import httpx
import pytest
from ingram import CustomerList, Handler, answering, ingram, recorded

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import CredentialsRejected, LongPause, PermanentError, TransientError, UnexpectedResponse
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector
from vendor_sync.marketplace import Customer, ListPage


async def accounts(handler: Handler) -> list[ListPage[Customer]]:
    async with ingram(handler) as marketplace:
        return [page async for page in marketplace.accounts()]


def ids(pages: list[ListPage[Customer]]) -> list[str]:
    return [account.account_id for page in pages for account in page.rows]


async def test_every_page_is_read_in_order() -> None:
    listing = CustomerList([[f"{n}" for n in range(1200)]])

    pages = await accounts(listing)

    assert ids(pages) == [f"{n}" for n in range(1200)]
    assert [query["offset"] for query in listing.queries] == ["0", "500", "1000"]
    assert not any(page.short for page in pages)


async def test_a_server_that_sends_fewer_rows_than_asked_is_followed() -> None:
    listing = CustomerList([[f"{n}" for n in range(7)]], max_rows=3)

    assert ids(await accounts(listing)) == [f"{n}" for n in range(7)]
    assert [query["offset"] for query in listing.queries] == ["0", "3", "6"]


async def test_a_limit_that_is_refused_becomes_smaller() -> None:
    listing = CustomerList([[f"{n}" for n in range(150)]], max_limit=100)

    assert len(ids(await accounts(listing))) == 150
    assert [query["limit"] for query in listing.queries] == ["500", "100", "100"]


async def test_without_a_total_only_an_empty_page_ends_the_list() -> None:
    listing = CustomerList([["1", "2", "3"]], max_rows=2, claimed_total=None)

    pages = await accounts(listing)

    assert (ids(pages), pages[-1].short) == (["1", "2", "3"], False)
    assert [query["offset"] for query in listing.queries] == ["0", "2", "3"]


async def test_a_row_that_shifted_to_the_next_page_counts_once_and_the_missed_one_is_found() -> None:
    before, after = ["4", "3", "3", "2"], ["5", "4", "3", "2"]
    listing = CustomerList([before, after], max_rows=2, claimed_total=4)

    pages = await accounts(listing)

    assert sorted(ids(pages)) == ["2", "3", "4", "5"]
    assert not pages[-1].short


async def test_a_list_that_falls_short_twice_is_called_short() -> None:
    listing = CustomerList([["1", "2"]], claimed_total=3)

    pages = await accounts(listing)

    assert (ids(pages), pages[-1].short, pages[-1].total) == (["1", "2"], True, 3)
    assert len([query for query in listing.queries if query["offset"] == "0"]) == 2


async def test_a_server_that_repeats_one_page_for_ever_is_left() -> None:
    page = {"data": [{"id": "1"}], "pagination": {"offset": 0, "limit": 500, "total": 9}}

    with pytest.raises(UnexpectedResponse, match="repeats"):
        await accounts(answering(200, page))


async def test_an_empty_list_is_an_empty_page() -> None:
    pages = await accounts(CustomerList([[]]))

    assert ids(pages) == []
    assert not pages[-1].short


async def test_a_row_that_cannot_be_understood_is_named_and_spoils_no_other() -> None:
    rows = [{"id": "1"}, {"id": "7" * 3_000_000}, {"id": "2"}]
    page = {"data": rows, "pagination": {"offset": 0, "limit": 500, "total": 3}}

    pages = await accounts(answering(200, page))

    (refused,) = {row for page in pages for row in page.refused}
    assert ids(pages) == ["1", "2"]
    assert "3,000,000 characters; the most is 200 characters" in refused.reason
    assert len(refused.reason) < 300
    assert (refused.id, refused.account_id) == (None, None)


async def test_an_odd_row_counts_as_seen_and_makes_no_list_short() -> None:
    rows = [{"id": "1"}, {"id": "7", "name": []}, {"name": "no id"}, "no row", {"id": "2"}]
    page = {"data": rows, "pagination": {"offset": 0, "limit": 500, "total": 5}}

    pages = await accounts(answering(200, page))

    assert ids(pages) == ["1", "2"]
    assert [row.id for page in pages for row in page.refused] == ["7", None, None]
    assert not any(page.short for page in pages)


async def test_an_odd_row_does_not_stand_in_for_one_that_is_missing() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        rows = [{"id": "1"}, {"name": "no id"}] if request.url.params["offset"] == "0" else []
        return httpx.Response(200, json={"data": rows, "pagination": {"total": 3}})

    assert (await accounts(handler))[-1].short


async def test_an_odd_subscription_is_named_with_its_customer_as_far_as_that_can_be_read() -> None:
    rows = [{"id": "7", "customerId": "1", "name": []}, {"id": "8", "customerId": None}]

    async with ingram(answering(200, {"data": rows})) as marketplace:
        page = await anext(marketplace.subscriptions(SubscriptionStatus.ACTIVE))

    assert [(row.id, row.account_id) for row in page.refused] == [("7", "1"), ("8", None)]


async def test_the_subscriptions_of_one_customer_are_listed_whatever_their_status() -> None:
    listing = CustomerList([[]])

    async with ingram(listing) as marketplace:
        assert [page async for page in marketplace.account_subscriptions("1000027")]

    assert listing.queries == [{"customerId": "1000027", "offset": "0", "limit": "500"}]


@pytest.mark.parametrize(
    "read",
    [
        lambda marketplace: marketplace.subscription("999"),
        lambda marketplace: marketplace.account("999"),
        lambda marketplace: anext(marketplace.account_subscriptions("999")),
    ],
    ids=["detail", "customer", "list-of-a-customer"],
)
async def test_a_403_about_one_thing_says_nothing_of_the_credentials(
    read: Callable[[IngramMicroConnector], Awaitable[object]],
) -> None:
    async with ingram(answering(403, {"status": 403, "message": "Forbidden"})) as marketplace:
        with pytest.raises(PermanentError, match="answered 403: Forbidden") as raised:
            await read(marketplace)

    assert not isinstance(raised.value, CredentialsRejected)


async def test_a_403_about_a_list_is_about_the_credentials() -> None:
    with pytest.raises(CredentialsRejected):
        await accounts(answering(403, {"status": 403, "message": "Forbidden"}))


async def test_a_403_about_the_quota_is_throttling_whatever_was_asked_for() -> None:
    quota = {"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 05:12:10."}
    async with ingram(answering(403, quota)) as marketplace:
        with pytest.raises(LongPause):
            await marketplace.subscription("999")


async def test_rows_of_another_status_are_left_out_after_they_were_counted() -> None:
    async with ingram(answering(200, recorded("subscriptions-active"))) as marketplace:
        pages = [page async for page in marketplace.subscriptions(SubscriptionStatus.ACTIVE)]

    assert [row.subscription_id for page in pages for row in page.rows] == ["1000177", "1000178"]
    assert not pages[-1].short


async def test_one_status_is_asked_for_at_a_time() -> None:
    listing = CustomerList([[]])

    async with ingram(listing) as marketplace:
        assert [page async for page in marketplace.subscriptions(SubscriptionStatus.HOLD)]

    assert listing.queries[0]["status"] == "hold"


@pytest.mark.parametrize("status", [400, 404])
async def test_an_entity_that_is_not_found_is_absent(status: int) -> None:
    async with ingram(answering(status, recorded("gone"))) as marketplace:
        assert await marketplace.subscription("999") is None
        assert await marketplace.account("999") is None


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (answering(404, recorded("gateway-404")), PermanentError),
        (lambda _: httpx.Response(404, text="<html>nginx</html>"), PermanentError),
        (answering(400, recorded("bad-parameter")), PermanentError),
        (answering(401, {"statusCode": 401, "message": "Access denied"}), CredentialsRejected),
        (answering(503, {}), TransientError),
        (lambda _: httpx.Response(200, text="<html>Sign in</html>"), UnexpectedResponse),
        (answering(200, {"rows": []}), UnexpectedResponse),
        (answering(200, recorded("subscription-1000177")), UnexpectedResponse),
    ],
    ids=[
        "gateway",
        "some-server",
        "parameter",
        "unauthorized",
        "busy",
        "html",
        "shape",
        "another-one",
    ],
)
@pytest.mark.parametrize(
    "read",
    [lambda marketplace: marketplace.subscription("999"), lambda marketplace: anext(marketplace.accounts())],
    ids=["detail", "list"],
)
async def test_whatever_else_is_answered_is_an_error_and_never_an_absence(
    read: Callable[[IngramMicroConnector], object], handler: Handler, error: type[Exception]
) -> None:
    async with ingram(handler) as marketplace:
        with pytest.raises(error):
            await read(marketplace)  # type: ignore[misc]  # either call is awaited the same way


async def test_a_detail_is_read_with_its_products() -> None:
    async with ingram(answering(200, recorded("subscription-1000177"))) as marketplace:
        detail = await marketplace.subscription("1000177")

    assert detail is not None
    assert len(detail.products) == 4
