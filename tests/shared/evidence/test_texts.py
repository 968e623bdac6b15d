"""What comes out is of the kind that was asked for; what may be about a person does not come out."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.evidence.texts import description_of, postcode_of, tax_id_of, text_of, town_of

READERS: list[Callable[[Any], str | None]] = [text_of, town_of, postcode_of, tax_id_of, description_of]


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("GB 123 4567 89", "GB123456789"),
        ("gb123456789", "GB123456789"),
        ("12-3456789", "123456789"),
        (123456789, "123456789"),
        ("NL123456789B01", "NL123456789B01"),
        ("22AAAAA1234A1Z5", "22AAAAA1234A1Z5"),
        ("CHE-123.456.789 MWST", "CHE123456789MWST"),
    ],
)
def test_a_tax_number_is_its_letters_and_digits(written: str | int, number: str) -> None:
    assert tax_id_of(written) == number


@pytest.mark.parametrize(
    "placeholder", ["n/a", "none", "0", "00-0000000", "-", "TBC", "1234", "exempt", "Robin Reyes 1985"]
)
def test_a_placeholder_is_no_tax_number(placeholder: str) -> None:
    assert tax_id_of(placeholder) is None


@pytest.mark.parametrize(
    "personal", ["123-45-6789", "RSSMRA85T10A562S", "robin1234567@contoso.com", "+1 512 555 0100"]
)
def test_the_number_of_a_person_is_no_companys(personal: str) -> None:
    assert tax_id_of(personal) is None


@pytest.mark.parametrize(
    ("written", "postcode"),
    [("sw1a  1aa", "SW1A 1AA"), (78701, "78701"), ("78701-1234", "78701-1234"), ("1010 AB", "1010 AB")],
)
def test_a_postcode_is_told_in_capitals(written: str | int, postcode: str) -> None:
    assert postcode_of(written) == postcode


@pytest.mark.parametrize("odd", ["n/a", "AUSTIN", "+1 512 555 0100", "512-555-0100", "1 Main Street, Austin"])
def test_what_has_no_form_of_a_postcode_is_none(odd: str) -> None:
    assert postcode_of(odd) is None


@pytest.mark.parametrize("town", ["London", "Saint-Étienne", "St. John's", "München 2", "東京"])
def test_a_town_is_told_as_it_is_written(town: str) -> None:
    assert town_of(f"  {town}\n") == town


@pytest.mark.parametrize(
    "phone", ["+1 512 555 0100", "512-555-0100", "(512) 555-0100", "78701", "0800123456"]
)
def test_a_telephone_number_is_no_town(phone: str) -> None:
    assert town_of(phone) is None


def test_a_long_description_is_shortened_and_one_with_an_address_left_out() -> None:
    assert description_of("a  b\r\nc") == "a b c"
    assert len(description_of("word " * 1_000) or "") == 500
    assert description_of("Ask robin@contoso.com") is None
    assert description_of("Call +1 (512) 555-0100") is None


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@pytest.mark.parametrize(
    "odd",
    [
        None,
        True,
        1.5,
        10**4_000,
        [],
        {"$gt": ""},
        "",
        " \t",
        "\x00",
        "Lon\x1b[2Jdon 123",
        "\ud83d1",
        "robin@contoso.com",
    ],
    ids=lambda odd: ascii(odd)[:20],
)
def test_what_cannot_be_read_is_none(reader: Callable[[Any], str | None], odd: Any) -> None:
    assert reader(odd) is None


@pytest.mark.parametrize("reader", READERS[:-1], ids=lambda reader: reader.__name__)
def test_what_is_far_too_long_is_none(reader: Callable[[Any], str | None]) -> None:
    assert reader("1a" * 2_500) is None
