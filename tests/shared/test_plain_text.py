from typing import Annotated, Any

import pytest
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from shared import limits
from shared.limits import Limit
from shared.plain_text import PlainText, counted, is_plain, sort_text

LENGTH = Limit("a-test's-length", 5, "characters", "a text of a test", "it is refused")
ITEMS = Limit("a-test's-items", 2, "items", "a list of a test", "it is refused")
SIZE = Limit("a-test's-size", 9, "pieces", "a number of a test", "it is refused")

Short = Annotated[PlainText, StringConstraints(min_length=1, max_length=LENGTH.most), counted(LENGTH)]
Few = Annotated[tuple[Short, ...], Field(max_length=ITEMS.most), counted(ITEMS)]
Small = Annotated[int, Field(ge=1, le=SIZE.most), counted(SIZE)]

INVISIBLE = ["\x00", "\n", "\x1b", "\x7f", "\x85", "\x9f", "\ud800", "a\udfff"]


@pytest.mark.parametrize("text", ["a", "Kö", "日本", "😀", "\u00a0", "a'\"\\$"])
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
        "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$",
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
