from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from shared import limits
from shared.limits import Limit
from shared.plain_text import PlainText, cleaned, counted, is_plain, sort_text

LENGTH = Limit("a-test's-length", 5, "characters", "a text of a test", "it is refused")
ITEMS = Limit("a-test's-items", 2, "items", "a list of a test", "it is refused")
SIZE = Limit("a-test's-size", 9, "pieces", "a number of a test", "it is refused")

Short = Annotated[PlainText, StringConstraints(min_length=1, max_length=LENGTH.most), counted(LENGTH)]
Few = Annotated[tuple[Short, ...], Field(max_length=ITEMS.most), counted(ITEMS)]
Small = Annotated[int, Field(ge=1, le=SIZE.most), counted(SIZE)]

INVISIBLE = ["\x00", "\n", "\x1b", "\x7f", "\x85", "\x9f", "\ud800", "a\udfff"]
# What ends a line elsewhere, and what makes a text run the other way.
INVISIBLE += ["\u2028", "\u2029", "\u202a", "a\u202eb", "\u2066", "\u2069"]


@pytest.mark.parametrize("text", ["a", "Kö", "日本", "😀", "\u00a0", "a'\"\\$", "\u200d\u200e\u200f"])
def test_a_text_that_can_be_read_is_taken_as_it_is(text: str) -> None:
    assert TypeAdapter(Short).validate_python(text) == text
    assert is_plain(text)


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_control_characters_and_halves_of_a_pair_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Short).validate_python(text)

    assert not is_plain(text)


@pytest.mark.parametrize(
    ("bounded", "value", "limit"),
    [(Short, "sixsix", LENGTH), (Few, ["a", "b", "c"], ITEMS), (Small, 10, SIZE), (Small, 10**400, SIZE)],
)
def test_what_is_larger_than_its_limit_is_refused_and_counted(bounded: Any, value: Any, limit: Limit) -> None:
    before = limits.hits().get(limit.name, 0)

    with pytest.raises(ValidationError):
        TypeAdapter(bounded).validate_python(value)

    assert limits.hits()[limit.name] == before + 1


@pytest.mark.parametrize(("bounded", "value"), [(Short, ""), (Short, 5), (Short, "a\x00"), (Small, 0)])
def test_what_is_wrong_for_another_reason_is_not_counted(bounded: Any, value: Any) -> None:
    before = limits.hits()

    with pytest.raises(ValidationError):
        TypeAdapter(bounded).validate_python(value)

    assert limits.hits() == before


def test_a_part_that_is_too_long_counts_for_its_own_limit_alone() -> None:
    before = limits.hits()

    with pytest.raises(ValidationError):
        TypeAdapter(Few).validate_python(["sixsix"])

    assert limits.hits() == before | {LENGTH.name: before.get(LENGTH.name, 0) + 1}


def test_the_bounds_are_described_to_those_who_call() -> None:
    assert TypeAdapter(Short).json_schema() == {
        "type": "string",
        "minLength": 1,
        "maxLength": 5,
        "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$",
    }


def test_names_are_sorted_without_regard_to_case_in_any_script() -> None:
    assert sort_text("STRASSE ÄRZTE") == sort_text("Straße ärzte") == "strasse ärzte"


def test_a_name_is_sorted_by_its_beginning_when_it_is_too_long_for_a_cursor() -> None:
    before = limits.hits().get("sort-text-bytes", 0)

    assert sort_text("a" * 500) == "a" * 500
    assert limits.hits().get("sort-text-bytes", 0) == before
    assert sort_text("\N{GRINNING FACE}" * 500) == "\N{GRINNING FACE}" * 325
    assert sort_text("a" + "\N{GRINNING FACE}" * 500) == "a" + "\N{GRINNING FACE}" * 324
    assert limits.hits()["sort-text-bytes"] == before + 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Contoso Ltd", "Contoso Ltd"),
        ("Zürich\u00a0AG 😀", "Zürich\u00a0AG 😀"),
        ("a\r\nb\tc", "a  b c"),
        ("a\x85b\u2028c\u2029d\x0be\x0cf", "a b c d e f"),
        ("\x1b[2J\x00", "\ufffd[2J\ufffd"),
        ("\x07\x1f\x7f\x80\x9f", "\ufffd" * 5),
        ("gpj.\u202eexe\u2066", "gpj.\ufffdexe\ufffd"),
        ("half \ud83d", "half ?"),
    ],
    ids=ascii,
)
def test_what_moves_a_terminal_or_turns_a_text_round_is_replaced_where_it_can_be_seen(
    text: str, shown: str
) -> None:
    assert cleaned(text) == shown
    assert is_plain(shown)


@given(st.text())
def test_a_text_that_was_cleaned_is_plain_and_stays_as_it_is(text: str) -> None:
    assert is_plain(cleaned(text))
    assert cleaned(cleaned(text)) == cleaned(text)
    assert not is_plain(text) or cleaned(text) == text
