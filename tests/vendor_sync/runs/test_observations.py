"""Whatever a row holds that is read at all can be observed, and its message can be sent."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.base import Message
from shared.errors import UnexpectedResponse
from shared.kafka.envelope import envelope_of
from shared.sync_engine.stamp import Stamp
from vendor_sync.connectors.ingram_micro.rows import account_of, detail_of
from vendor_sync.runs.observations import account_observed, service_observed, subscription_observed
from vendor_sync.runs.offers import lines_of

KAFKA_TAKES_BYTES = 1_000_000
TEXT = "\N{GRINNING FACE}"
NUMBER = "-999.999999999999999999999999"
QUANTITY = "9999.999999999999999999999999"  # none is negative
STAMP = Stamp("t" * 200, "int_0123456789abcdef", "r" * 200, 2**62, 1, datetime(2026, 3, 10, tzinfo=UTC))


def a_body(*products: dict[str, Any], **fields: object) -> dict[str, Any]:
    # " " and the number before it are part of the text that is the period's.
    period = {"type": TEXT * 198, "duration": 9}
    told = {"id": TEXT * 200, "customerId": TEXT * 200, "name": TEXT * 501, "status": "terminated"}
    periods = {"subscriptionPeriod": period, "billingPeriod": period}
    return {**told, **periods, "products": list(products), **fields}


def a_largest_product(number: int = 0) -> dict[str, Any]:
    price = {"amount": NUMBER, "currency": TEXT * 50}
    code = f"{number:03}" + "%" * 197
    return {
        "id": code,
        "mpn": code,
        "vendor": "%" * 200,
        "name": TEXT * 501,
        "quantity": QUANTITY,
        "unitPrice": price,
        "unitCost": price,
    }


def size_bytes(message: Message) -> int:
    return len(envelope_of(message, source="vendor-sync").body)


def test_the_largest_subscription_that_is_read_can_be_observed_and_sent() -> None:
    detail = detail_of(a_body(*map(a_largest_product, range(1000))))

    observed = subscription_observed(detail.row, lines_of(detail), STAMP)

    assert len(observed.lines) == 1000
    assert size_bytes(observed) < KAFKA_TAKES_BYTES


@pytest.mark.parametrize(
    "product",
    [a_largest_product(), {"name": "\N{GREEK SMALL LETTER IOTA WITH DIALYTIKA AND TONOS}" * 500}],
    ids=["largest", "known by its name alone"],
)
def test_the_largest_service_that_is_read_can_be_observed_and_sent(product: dict[str, Any]) -> None:
    detail = detail_of(a_body(product))

    (line,) = lines_of(detail)

    assert size_bytes(service_observed(line.service, STAMP)) < KAFKA_TAKES_BYTES


def test_the_largest_customer_that_is_read_can_be_observed_and_sent() -> None:
    row = {"id": TEXT * 200, "name": TEXT * 501, "externalId": TEXT * 200, "status": TEXT * 200}

    assert size_bytes(account_observed(account_of(row), STAMP)) < KAFKA_TAKES_BYTES


@pytest.mark.parametrize("field", ["subscriptionPeriod", "billingPeriod"])
def test_a_period_whose_text_is_longer_than_a_code_is_refused_with_its_row(field: str) -> None:
    with pytest.raises(UnexpectedResponse, match="the most is 200"):
        detail_of(a_body(**{field: {"type": "x" * 199, "duration": 1}}))


def test_a_currency_longer_than_any_is_refused_with_its_row() -> None:
    price = {"amount": "1", "currency": "X" * 51}

    with pytest.raises(UnexpectedResponse, match="51 characters; the most is 50"):
        detail_of(a_body({"id": "1", "unitPrice": price}))
