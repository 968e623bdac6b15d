"""Keys: what plain ids are spared must be the same as if it were done."""

from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts.base import key_of


@given(st.text())
@example("int_0a-9.Z~")
@example("Zürich\n")
@example("")
def test_every_part_of_a_key_is_percent_encoded(part: str) -> None:
    encodable = part.encode("utf-8", "ignore").decode()

    assert key_of("t1", encodable) == f"t1:{quote(encodable, safe='')}"
