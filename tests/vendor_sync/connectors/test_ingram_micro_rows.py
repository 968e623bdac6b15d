from datetime import date
from decimal import Decimal

import pytest
from ingram import recorded

from shared.contracts.vendor_sync import SubscriptionStatus
from shared.errors import UnexpectedResponse
from shared.http_client.json_document import OversizedNumber
from vendor_sync.connectors.ingram_micro.rows import account_of, detail_of, row_of
from vendor_sync.marketplace import Customer, Price, VendorPeriod


def test_a_customer_is_read_with_its_place_and_domain_and_without_personal_data() -> None:
    contoso, fabrikam, nameless = map(account_of, recorded("customers")["data"])

    assert contoso == Customer(
        "1000027",
        "Contoso Dental",
        "EXT-1",
        "active",
        tax_id="123456789",
        domains=("contoso.example",),
        town="Austin",
        postcode="78701",
        country="US",
    )
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


@pytest.mark.parametrize(
    "quantity",
    ["1E+520000", "1E+9999999", "1E-9999999", 10**13, "0." + "1" * 25, "9" * 5000],
    ids=["1E+520000", "1E+9999999", "1E-9999999", "13 digits", "25 decimals", "5000 digits"],
)
def test_a_number_with_too_many_digits_is_refused_and_never_written_out(quantity: object) -> None:
    body = {"id": "1", "customerId": "2", "products": [{"id": "3", "quantity": quantity}]}

    with pytest.raises(UnexpectedResponse, match=r"subscription 1 .* the most is") as refusal:
        detail_of(body)
    assert len(str(refusal.value)) < 300


def test_the_largest_numbers_that_can_be_billed_are_read_exactly() -> None:
    numbers = [10**12 - 1, 0.30000000000000004, "999999999999.9999999999999999"]
    body = {"id": "1", "customerId": "2", "products": [{"id": "3", "quantity": number} for number in numbers]}

    assert [product.quantity for product in detail_of(body).products] == [
        Decimal(999999999999),
        Decimal("0.30000000000000004"),
        Decimal("999999999999.9999999999999999"),
    ]


@pytest.mark.parametrize("field", ["id", "mpn", "vendor"])
def test_a_code_that_is_compared_is_refused_when_it_is_too_long(field: str) -> None:
    body = {"id": "1", "customerId": "2", "products": [{"id": "3", field: "x" * 201}]}

    with pytest.raises(UnexpectedResponse, match="201 characters; the most is 200"):
        detail_of(body)


def test_long_names_are_shortened_where_people_see_it_and_still_differ() -> None:
    one, other = account_of({"id": "1", "name": "a" * 3_000_000}), account_of({"id": "2", "name": "a" * 501})

    assert (len(one.name), len(other.name)) == (500, 500)
    assert one.name[:486] == other.name[:486] == "a" * 486
    assert one.name != other.name
    assert "…" in one.name


def test_half_a_surrogate_pair_is_replaced_in_a_name_and_refused_in_an_id() -> None:
    assert account_of({"id": "1", "name": "Blue \ud83d"}).name == "Blue ?"
    with pytest.raises(UnexpectedResponse):
        account_of({"id": "\ud83d", "name": "Blue"})


def test_a_subscription_with_more_products_than_a_message_may_hold_is_refused() -> None:
    body = {"id": "1", "customerId": "2", "products": [{"id": "3"}] * 1001}

    with pytest.raises(UnexpectedResponse, match="1,001 products; the most is 1,000 lines"):
        detail_of(body)


@pytest.mark.parametrize("field", ["id", "name", "externalId"])
@pytest.mark.parametrize("value", [True, 1.5, {"$gt": ""}, [], OversizedNumber(520_000)], ids=repr)
def test_what_is_neither_a_text_nor_a_whole_number_names_nothing(field: str, value: object) -> None:
    with pytest.raises(UnexpectedResponse):
        account_of({"id": "1", field: value})


def test_a_row_of_a_thousand_levels_is_refused() -> None:
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(UnexpectedResponse):
        account_of({"id": "1", "name": deep})


def test_names_and_codes_are_shown_without_what_drives_a_terminal_and_ids_are_refused() -> None:
    customer = account_of({"id": "1", "name": "\x1b[2JBlue\n", "externalId": "E1\t", "status": "ac\x00tive"})

    assert (customer.name, customer.external_id, customer.status) == ("\ufffd[2JBlue ", "E1 ", "ac\ufffdtive")
    for odd in ("1\x00", "\x1b[2J", "1\n", "\u202e1"):
        with pytest.raises(UnexpectedResponse, match="cannot be shown"):
            account_of({"id": odd, "name": "Blue"})


def test_a_period_and_a_currency_are_shown_without_what_drives_a_terminal() -> None:
    price = {"amount": "1", "currency": "EUR\n"}
    period = {"type": "month\x07", "duration": 1}
    body = {
        "id": "1",
        "customerId": "2",
        "billingPeriod": period,
        "products": [{"id": "3", "unitPrice": price}],
    }

    detail = detail_of(body)

    assert detail.row.billing == VendorPeriod("month\ufffd", 1)
    assert detail.products[0].unit_price == Price(Decimal(1), "EUR ")
