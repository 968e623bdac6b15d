import json
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from shared.http_client.answer_size import ENTITY, PAGE, SMALL, AnswerSize
from shared.http_client.json_document import OversizedDocument, OversizedNumber, parse_json

MB = 1024 * 1024


def parsed(text: str | bytes, size: AnswerSize = SMALL) -> Any:
    return parse_json(bytearray(text.encode() if isinstance(text, str) else text), size)


def nested(levels: int, inner: str = "") -> str:
    return "[" * levels + inner + "]" * levels


@pytest.mark.parametrize("unit", ["[],", "{},", '{"":0},', "1.5,", '"",', "[[[]]],"])
def test_a_document_of_too_many_values_is_refused_before_they_are_made(unit: str) -> None:
    with pytest.raises(OversizedDocument, match="JSON of more than 500,000 values"):
        parsed("[" + unit * 500_001 + "0]", PAGE)


def test_commas_and_brackets_within_texts_are_no_values() -> None:
    texts = [",[{" * 20_000, 'a "quoted" [,', "ends in a backslash \\", '\\"[', "ü,[" * 30_000]

    assert parsed(json.dumps(texts * 5, ensure_ascii=False), ENTITY) == texts * 5


def test_a_page_of_a_thousand_long_rows_is_well_within_its_limits() -> None:
    row = {f"field{n}": {"id": n, "name": "a, b [c]", "_info": {"href": "x" * 80}} for n in range(60)}

    assert len(parsed(json.dumps([row] * 1000), PAGE)) == 1000


@pytest.mark.parametrize("inner", ["", "1", '"]]]]"', '"\\"]]"', "[],[]", '{"[":"["}'])
def test_sixty_four_levels_are_read_and_more_are_not(inner: str) -> None:
    deepest = 63 if inner.startswith(("[", "{")) else 64

    assert parsed(nested(deepest, inner)) == json.loads(nested(deepest, inner))
    with pytest.raises(OversizedDocument, match="JSON of more than 64 levels"):
        parsed(nested(deepest + 1, inner))


def test_brackets_in_texts_cannot_hide_the_depth() -> None:
    hidden = '["]",' * 200 + "0" + ',"["]' * 200

    assert json.loads(hidden)  # it is JSON, and a count that takes texts for structure finds one level
    with pytest.raises(OversizedDocument, match="64 levels"):
        parsed(hidden)


def test_a_page_that_is_too_deep_for_the_parser_is_refused_and_not_garbled() -> None:
    with pytest.raises(OversizedDocument, match="levels"):
        parsed(nested(100_000), PAGE)


@pytest.mark.parametrize("text", ["[" * 30_000, '{"a": ' * 5_000, "[" * 100 + "1]", '"\\', "]" * 100, ""])
def test_what_is_cut_is_no_json(text: str) -> None:
    with pytest.raises((ValueError, OversizedDocument)):
        parsed(text)
    with pytest.raises(ValueError, match="Expecting"):
        parsed("[" * 100 + "1]")  # an answer that was cut may be whole next time


@pytest.mark.parametrize(
    "number",
    ["1E+9999999", "1e31", "-1e-31", "1E+99999999999999999999999", "0." + "1" * 520_000, "1.0e-999999999"],
)
def test_a_number_that_would_fill_the_memory_is_kept_as_none(number: str) -> None:
    document = parsed(f'[{{"id": 1, "quantity": {number}}}, {{"id": 2}}]', ENTITY)

    assert document == [{"id": 1, "quantity": OversizedNumber(len(number))}, {"id": 2}]
    assert str(document[0]["quantity"]) == f"a number of {len(number)} characters"


def test_a_whole_number_beyond_pythons_digits_spoils_its_row_and_not_the_page() -> None:
    assert parsed(f"[{'9' * 520_000}, 2, 3.5]", PAGE) == [OversizedNumber(520_000), 2, Decimal("3.5")]


@pytest.mark.parametrize("text", ["1e30", "1e-30", "0.1", "-123456789012345678901234567890.123456", "0.0"])
def test_numbers_within_the_limits_stay_exact(text: str) -> None:
    assert parsed(text) == Decimal(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "[-Infinity]"])
def test_what_json_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parsed(text)


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: b"[" * n,
        lambda n: b'"\\' * (n // 2),
        lambda n: b'"' + b'\\"' * (n // 2),
        lambda n: b'["' + b'","' * (n // 3),
        lambda n: b"[" * (n // 2) + b"]" * (n // 2),
        lambda n: b"[]" * (n // 2),
        lambda n: b'{"a":' * (n // 5),
        lambda n: b"9" * n,
        lambda n: b"\\" * n,
    ],
)
def test_no_answer_takes_more_than_linear_time(hostile: Callable[[int], bytes]) -> None:
    for size in (SMALL, PAGE):
        assert seconds_for(hostile(2 * MB), size) < 2


def seconds_for(body: bytes, size: AnswerSize) -> float:
    since = time.process_time()
    with suppress(ValueError, OversizedDocument):
        parsed(body, size)
    return time.process_time() - since
