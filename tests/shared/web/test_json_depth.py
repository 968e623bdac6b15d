import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.json_depth import JsonDepth


@pytest.mark.parametrize(
    ("text", "too_deep"),
    [
        ("[[[]]]", False),
        ("[[[[]]]]", True),
        ('{"a":{"b":{"c":1}}}', False),
        ('{"a":[{"b":[]}]}', True),
        ("[[],[],[],[],[[]],{}]", False),
        ('["[[[[[[", "{{{{{{"]', False),
        (r'["\"[[[[", "\\", [[[]]]]', True),
        (r'["\\", "[[[["]', False),
    ],
)
def test_brackets_outside_of_strings_count(text: str, too_deep: bool) -> None:
    assert JsonDepth(3).exceeded_by(text.encode()) is too_deep


def test_text_that_is_not_utf_8_cannot_hide_its_brackets() -> None:
    assert JsonDepth(3).exceeded_by("[]".encode("utf-16"))


JSON = st.recursive(
    st.none() | st.text(alphabet='ab"\\[]{}ü'),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text(alphabet='a"\\['), values, max_size=3)
    ),
)


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(JSON, st.lists(st.integers(0, 200), max_size=5), st.booleans())
def test_the_depth_is_the_same_wherever_the_text_is_cut(value: object, cuts: list[int], plain: bool) -> None:
    text = json.dumps(value, ensure_ascii=plain).encode()
    places = [0, *sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in zip(places, [*places[1:], len(text)], strict=True)]
    depth = JsonDepth(2)

    assert any(map(depth.exceeded_by, pieces)) is (depth_of(value) > 2)
