"""Two sides have the same checksum only when they hold the same things at the same revisions."""

from collections.abc import Sequence

import pytest

from shared.contracts.topic_checksum import ChecksumSum, TopicChecksum

STATED = [("demo:int_1:a", 7), ("demo:int_1:b", 9), ("demo:int_1:c", 9)]


def checksum_of(things: Sequence[tuple[str, int]]) -> TopicChecksum:
    checksum = ChecksumSum("some.topic.v1")
    for key, revision in things:
        checksum.add(key, revision)
    return checksum.result


def test_the_order_in_which_things_are_added_does_not_matter() -> None:
    assert checksum_of(STATED[::-1]) == checksum_of(STATED)


def test_it_says_how_many_things_there_are_and_which_revision_is_the_newest() -> None:
    checksum = checksum_of(STATED)

    assert (checksum.topic, checksum.things, checksum.newest_revision) == ("some.topic.v1", 3, 9)


@pytest.mark.parametrize(
    "other",
    [
        STATED[:2],
        [*STATED[:2], ("demo:int_1:c", 8)],
        [*STATED[:2], ("demo:int_1:d", 9)],
        [("demo:int_1:a", 9), ("demo:int_1:b", 7), STATED[2]],
        [("demo:int_1:a", 8), ("demo:int_1:b", 8), STATED[2]],
    ],
    ids=["one is missing", "one is older", "one is another", "two are swapped", "the same sum of revisions"],
)
def test_whatever_differs_has_another_checksum(other: Sequence[tuple[str, int]]) -> None:
    assert checksum_of(other) != checksum_of(STATED)


def test_nothing_at_all_has_a_checksum_too() -> None:
    assert checksum_of([]) == TopicChecksum(topic="some.topic.v1", things=0, newest_revision=0, checksum=0)
