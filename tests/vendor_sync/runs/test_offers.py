from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketplace import MONTH, YEAR, a_detail, a_product, a_row

from shared.contracts.vendor_sync import MissingQuantity
from vendor_sync.marketplace import Price, ProductEntry, SubscriptionDetail, SubscriptionRow, VendorPeriod
from vendor_sync.runs.offers import lines_of, rename_service, service_key


def product(
    *, quantity: Decimal | None = None, price: Price | None = None, cost: Price | None = None
) -> ProductEntry:
    return ProductEntry("PRD1", "MPN", "Vendor", "Name", quantity, unit_price=price, unit_cost=cost)


def test_a_service_is_vendor_part_number_term_and_billing_period() -> None:
    (line,) = lines_of(a_detail(a_row(), a_product("CFQ7:0001")))

    assert line.service.key == "Microsoft|CFQ7:0001|1 year|1 month"
    assert line.service.name == "Basic"
    assert line.service.title == "Basic – 1 Year, billed Monthly"


@pytest.mark.parametrize(
    ("term", "billing", "name"),
    [
        (None, None, "Basic"),
        (VendorPeriod("year", 3), None, "Basic – 3 Years"),
        (None, VendorPeriod("month", 1), "Basic – billed Monthly"),
        (VendorPeriod("month", 1), VendorPeriod("month", 6), "Basic – 1 Month, billed every 6 Months"),
    ],
    ids=["neither", "term", "billing", "odd"],
)
def test_a_services_title_tells_its_term_and_how_it_is_billed(
    term: VendorPeriod | None, billing: VendorPeriod | None, name: str
) -> None:
    (line,) = lines_of(a_detail(a_row(term=term, billing=billing)))

    assert line.service.title == name


@pytest.mark.parametrize(
    ("sold", "key"),
    [
        (ProductEntry("PRD1", None, "Microsoft", "Basic", None), "Microsoft|PRD1|1 year|1 month"),
        (ProductEntry(None, None, None, " Big  BASIC ", None), "|big basic|1 year|1 month"),
    ],
    ids=["product-id", "name"],
)
def test_what_has_no_part_number_goes_by_the_next_best(sold: ProductEntry, key: str) -> None:
    (line,) = lines_of(a_detail(a_row(), sold))

    assert line.service.key == key


def test_a_subscription_without_products_is_a_service_without_a_number() -> None:
    (line,) = lines_of(SubscriptionDetail(a_row(name="Azure  Savings PLAN", term=None), ()))

    assert line.service.key == "|azure savings plan|-|1 month"
    assert (line.quantity, line.reason) == (None, MissingQuantity.NO_PRODUCTS)


def test_every_product_is_a_line_and_add_ons_inherit_the_periods() -> None:
    lines = lines_of(a_detail(a_row(), a_product("A"), a_product("B", quantity=0)))

    assert [line.service.key for line in lines] == [
        "Microsoft|A|1 year|1 month",
        "Microsoft|B|1 year|1 month",
    ]
    assert [line.quantity for line in lines] == [Decimal(10), Decimal(0)]


@pytest.mark.parametrize(
    ("row", "quantity", "reason"),
    [
        (a_row(), None, MissingQuantity.NO_QUANTITY),
        (a_row(rated_outside=True), 10, MissingQuantity.EXTERNAL_RATING),
        (a_row(rated_outside=True), None, MissingQuantity.EXTERNAL_RATING),
    ],
    ids=["no-number", "rated-by-the-vendor", "rated-by-the-vendor-without-a-number"],
)
def test_what_is_not_a_count_of_seats_says_why_and_is_never_zero(
    row: SubscriptionRow, quantity: int | None, reason: MissingQuantity
) -> None:
    (line,) = lines_of(a_detail(row, a_product(quantity=quantity)))

    assert (line.quantity, line.reason) == (None, reason)


def test_a_subscription_that_is_rated_after_use_says_so_without_products_as_well() -> None:
    (line,) = lines_of(SubscriptionDetail(a_row(rated_outside=True), ()))

    assert (line.quantity, line.reason) == (None, MissingQuantity.EXTERNAL_RATING)


def test_a_line_has_one_currency() -> None:
    mixed = product(price=Price(Decimal(6), "USD"), cost=Price(Decimal(5), "EUR"))
    (line,) = lines_of(a_detail(a_row(), mixed))

    assert (line.currency, line.unit_price, line.unit_cost) == ("USD", Decimal(6), None)


@given(first=st.tuples(st.text(), st.text()), second=st.tuples(st.text(), st.text()))
def test_different_vendors_and_part_numbers_never_share_a_key(
    first: tuple[str, str], second: tuple[str, str]
) -> None:
    row = a_row(term=YEAR, billing=MONTH)

    same = service_key(*first, row) == service_key(*second, row)

    assert same == (first == second)


def test_a_service_goes_by_the_name_that_its_key_is_known_by() -> None:
    (line,) = lines_of(a_detail())

    service = rename_service(line.service, {line.service.key: "Known"})

    assert (service.name, service.title) == ("Known", "Known – 1 Year, billed Monthly")
    assert rename_service(line.service, {}) == line.service
