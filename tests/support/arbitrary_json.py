"""Whatever a far side may answer, as our parser of JSON hands it on, shaped about like a row of its API."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from shared.http_client.json_document import OversizedNumber

ODD_TEXTS = (
    *(
        "",
        " ",
        "1",
        "-5",
        "1_000",
        " 7 ",
        "١٢",
        "1e3",
        "1e9999999",
        "NaN",
        "sNaN",
        "-Infinity",
        "0x10",
        "true",
    ),
    *("0001-01-01", "9999-12-31", "2025-02-30", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    *(
        "2025-W01-1",
        "20250101",
        "Billable",
        "active",
        "month",
        "USD",
        "\u0000",
        "x" * 3_000,
        "\U0001f600" * 300,
    ),
)
ODD_NUMBERS = (0, -1, 1, 7, 2**63, -(10**13), 10**400, Decimal("0.5"), Decimal("-0.0"), Decimal("1E+300"))

scalars: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(ODD_NUMBERS),
    st.integers(-100, 100),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6),
    st.just(OversizedNumber(9_999)),
    st.sampled_from(ODD_TEXTS),
    st.dates().map(date.isoformat),
    st.text(max_size=8),
)


def rows(fields: Sequence[str]) -> st.SearchStrategy[Any]:
    """Anything that JSON can say; its objects have these fields, each of them anything again."""
    values = st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(fields), inner)),
        max_leaves=8,
    )
    return st.one_of(st.dictionaries(st.sampled_from(fields), values), values)
