"""Whatever JSON the marketplace answers, a row is a model that can be billed by, or is refused by name."""

from collections.abc import Callable
from typing import Any

import pytest
from arbitrary_json import rows
from hypothesis import given, settings

from shared.contracts.fields import checked_code, checked_id, checked_read_number
from shared.errors import UnexpectedResponse
from vendor_sync.connectors.ingram_micro.rows import account_of, detail_of, row_of
from vendor_sync.marketplace import SubscriptionDetail

FIELDS = (
    *("id", "customerId", "name", "status", "externalId", "creationDate", "lastModifiedDate", "renewalDate"),
    *(
        "expirationDate",
        "subscriptionPeriod",
        "billingPeriod",
        "billingModel",
        "products",
        "type",
        "duration",
    ),
    *("quantity", "unitPrice", "unitCost", "amount", "currency", "mpn", "vendor"),
)
SOUND: dict[str, Any] = {"id": "7", "customerId": "1", "status": "active", "name": "Seats"}


@settings(max_examples=300)
@given(body=rows(FIELDS))
def test_any_json_is_a_model_or_refused(body: Any) -> None:
    for parse in (account_of, row_of, detail_of):
        refusal = refusal_of(parse, body)
        assert len(refusal) <= 2_000


@settings(max_examples=300)
@given(field=rows(FIELDS), product=rows(FIELDS))
def test_a_sound_subscription_with_one_odd_part_is_a_model_or_refused_by_its_id(
    field: Any, product: Any
) -> None:
    for odd in (
        SOUND | {"products": [product]},
        SOUND | {"products": field},
        *(SOUND | {name: field} for name in FIELDS if name != "id"),
    ):
        refusal = refusal_of(detail_of, odd)
        assert not refusal or "subscription 7 cannot be understood" in refusal


def refusal_of(parse: Callable[[Any], object], row: Any) -> str:
    """Returns why the row is refused; empty when it is a model by which can be billed."""
    try:
        model = parse(row)
    except UnexpectedResponse as error:
        return str(error)
    assert_billable(model)
    return ""


def assert_billable(model: object) -> None:
    if not isinstance(model, SubscriptionDetail):
        return
    checked_id(model.row.subscription_id)
    checked_id(model.row.account_id)
    for day in (model.row.created_on, model.row.renews_on, model.row.expires_on):
        assert day is None or day.year >= 1900
    for period in (model.row.term, model.row.billing):
        assert period is None or period.duration > 0
    for product in model.products:
        assert product.quantity is None or product.quantity >= 0
        for number in (product.quantity, *(p.amount for p in (product.unit_price, product.unit_cost) if p)):
            assert number is None or checked_read_number(number) is number
        assert product.mpn is None or checked_code(product.mpn)


@pytest.mark.parametrize(
    ("quantity", "why"),
    [
        (-5, "-5 is no quantity"),
        ("-1", "-1 is no quantity"),
        (True, "True is no number"),
        ("ten", "'ten' is no number"),
        ("1_000", "'1_000' is no number"),
        ("NaN", "'NaN' is no number"),
        ("Infinity", "'Infinity' is no number"),
        ([10], "a list is no number"),
    ],
)
def test_a_quantity_that_is_none_refuses_its_subscription_with_the_reason(quantity: object, why: str) -> None:
    with pytest.raises(UnexpectedResponse, match=r"subscription 7 cannot be understood") as raised:
        detail_of(SOUND | {"products": [{"quantity": quantity}]})

    assert why in str(raised.value)


@pytest.mark.parametrize("products", [False, 0, "", {}, "seats"])
def test_products_that_are_no_list_are_no_subscription_without_products(products: object) -> None:
    with pytest.raises(UnexpectedResponse, match="subscription 7 cannot be understood"):
        detail_of(SOUND | {"products": products})


@pytest.mark.parametrize("duration", [True, -1, "1.5", [0, [1, 2], 0]])
def test_a_period_of_no_whole_number_refuses_its_subscription(duration: object) -> None:
    with pytest.raises(UnexpectedResponse, match="subscription 7 cannot be understood"):
        row_of(SOUND | {"billingPeriod": {"type": "month", "duration": duration}})


def test_a_subscription_of_no_customer_is_refused_by_its_id() -> None:
    with pytest.raises(UnexpectedResponse, match="subscription 7 cannot be understood"):
        row_of(SOUND | {"customerId": None})
