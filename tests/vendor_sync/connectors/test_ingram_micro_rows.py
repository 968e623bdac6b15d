from datetime import date
from decimal import Decimal

import pytest
from ingram import recorded

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import UnexpectedResponse
from vendor_sync.connectors.ingram_micro.rows import account_of, detail_of, row_of
from vendor_sync.marketplace import Customer, Price, VendorPeriod


def test_a_customer_is_read_without_personal_data() -> None:
    contoso, fabrikam, nameless = map(account_of, recorded("customers")["data"])

    assert contoso == Customer("1000027", "Contoso Dental", "EXT-1", "active")
    assert fabrikam == Customer("1000028", "Fabrikam", None, "creditHold")
    assert nameless == Customer("1000029", "1000029", None, "unknown")


def test_a_list_row_tells_name_periods_and_dates() -> None:
    row = row_of(recorded("subscriptions-active")["data"][0])

    assert (row.subscription_id, row.account_id) == ("1000177", "1000027")
    assert (row.term, row.billing) == (VendorPeriod("year", 1), VendorPeriod("month", 1))
    assert (row.created_on, row.expires_on) == (date(2025, 2, 12), date(2026, 2, 12))


def test_what_is_null_odd_or_spelt_otherwise_is_taken_leniently() -> None:
    row = row_of(recorded("subscriptions-active")["data"][1])

    assert row.status is SubscriptionStatus.ACTIVE
    assert (row.term, row.billing) == (None, None)
    assert (row.created_on, row.expires_on) == (date(2019, 3, 19), None)


@pytest.mark.parametrize("status", ["brandNew", None, "", 7])
def test_a_status_that_we_do_not_know_is_unknown(status: object) -> None:
    row = row_of({"id": "1", "customerId": "2", "status": status})

    assert row.status is SubscriptionStatus.UNKNOWN


def test_quantities_come_as_numbers_or_strings_and_may_be_missing() -> None:
    products = detail_of(recorded("subscription-1000177")).products

    assert [product.quantity for product in products] == [Decimal(10), Decimal(10), Decimal("2.5"), None]
    assert [product.mpn for product in products] == ["CFQ7TTC0LH18:0001_P1Y_M", None, None, None]


def test_money_is_exact_and_may_be_missing() -> None:
    first, second, *_ = detail_of(recorded("subscription-1000177")).products

    assert (first.unit_price, first.unit_cost) == (Price(Decimal(6), "USD"), Price(Decimal("5.05"), "USD"))
    assert (second.unit_price, second.unit_cost) == (None, None)


def test_a_detail_without_products_has_none() -> None:
    detail = detail_of(recorded("subscription-without-products"))

    assert detail.products == ()
    assert detail.row.rated_outside
    assert detail.row.term == VendorPeriod("year", 3)


@pytest.mark.parametrize(
    "quantity",
    [True, "ten", "NaN", "Infinity", [], {}],
    ids=["bool", "word", "nan", "infinite", "list", "map"],
)
def test_a_quantity_that_is_no_number_is_unexpected(quantity: object) -> None:
    body = {"id": "1", "customerId": "2", "products": [{"id": "3", "quantity": quantity}]}

    with pytest.raises(UnexpectedResponse, match="subscription 1"):
        detail_of(body)


@pytest.mark.parametrize("row", [{}, None, [], "text", {"id": "1"}], ids=repr)
def test_a_row_without_its_ids_is_unexpected(row: object) -> None:
    with pytest.raises(UnexpectedResponse):
        row_of(row)
