import pytest
from observation_builders import a_line, a_subscription, an_agreement_line
from usage_builders import the_line

from shared.contracts.base import NoNumber
from shared.contracts.vendor_sync import MissingQuantity


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("external-rating", "the vendor rates it after use, so it has no number of seats"),
        ("no-quantity", "the vendor lists the product without a quantity"),
        ("no-products", "the vendor lists no products in the subscription"),
    ],
)
def test_why_the_vendor_gave_no_quantity_is_kept_as_a_word_and_a_sentence(reason: str, sentence: str) -> None:
    unquantified = a_line(None, reason=MissingQuantity(reason))

    line = the_line(a_subscription(lines=(unquantified,)), an_agreement_line(0))

    [item] = line.evidence.items
    assert (item.missing, item.reason, item.detail) == (NoNumber.UNQUANTIFIED, reason, sentence)
    assert line.vendor_count.detail == sentence


def test_a_line_without_a_known_reason_is_unquantified_all_the_same() -> None:
    [item] = the_line(a_subscription(None), an_agreement_line(0)).evidence.items

    assert (item.missing, item.reason, item.detail) == (NoNumber.UNQUANTIFIED, None, None)
