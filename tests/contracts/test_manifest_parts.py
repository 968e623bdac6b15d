"""A part of a manifest that contradicts itself is no message: it becomes a dead letter that says why."""

from typing import Any

import pytest
from manifest_builders import ACME, a_span, an_account_read
from observation_builders import a_subscription
from pydantic import ValidationError

from shared.contracts.manifest import UnreadableThing

ONE, OTHER = a_subscription(5), a_subscription(3, id_="sub2")


@pytest.mark.parametrize(("part", "parts"), [(0, 1), (2, 1), (1, 0), (-1, 3)])
def test_a_part_number_outside_of_its_parts_is_refused(part: int, parts: int) -> None:
    with pytest.raises(ValidationError):
        an_account_read(ACME, [ONE], part=part, parts=parts)


def test_a_thing_that_is_named_twice_is_refused() -> None:
    again = a_subscription(5, revision=11)

    with pytest.raises(ValidationError, match="sub1 is named twice among the things"):
        an_account_read(ACME, [ONE, OTHER, again])


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"unreadable": [UnreadableThing(id="sub1", reason=why) for why in ("403", "500")]}, "unreadable"),
        ({"spans": [a_span(known_until=5), a_span(known_until=9)]}, "svc1 is named twice among the spans"),
    ],
)
def test_what_is_unreadable_and_how_long_it_is_known_are_said_once(
    entries: dict[str, Any], said: str
) -> None:
    known = an_account_read(ACME, [ONE, OTHER]).model_dump()

    with pytest.raises(ValidationError, match=said):
        type(an_account_read(ACME)).model_validate(known | entries)


def test_a_thing_that_keeps_its_number_may_be_unreadable() -> None:
    assert an_account_read(ACME, [ONE], unreadable=["sub1"]).unreadable[0].id == "sub1"
