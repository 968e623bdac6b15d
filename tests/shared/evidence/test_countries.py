from typing import Any

import pytest

from shared.evidence.countries import country_code


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("US", "US"),
        ("usa", "US"),
        ("United States", "US"),
        ("United States of America", "US"),
        ("UK", "GB"),
        (" united  kingdom ", "GB"),
        ("England", "GB"),
        ("Deutschland", "DE"),
        ("Netherlands", "NL"),
        ("Türkiye", "TR"),
        ("Australia", "AU"),
        ("New Zealand", "NZ"),
    ],
)
def test_a_code_or_a_name_is_read_as_its_code(word: str, code: str) -> None:
    assert country_code(word) == code


@pytest.mark.parametrize(
    "odd",
    ["", "Europe", "XX", "ZZZ", "840", 840, None, True, [], {"name": "US"}, "U" * 5_000, "U\x00S"],
    ids=ascii,
)
def test_what_names_no_country_is_none(odd: Any) -> None:
    assert country_code(odd) is None
