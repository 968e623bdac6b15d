from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from marketplace import MONTH, NOW, YEAR, a_detail, a_product, a_row

from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import Price, ProductEntry, SubscriptionDetail
from vendor_sync.runs.answers import (
    ANSWERS,
    DetailAnswer,
    StoredReading,
    entry_after_failure,
    entry_after_reading,
    is_outdated,
)
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState

FRESH = DetailEntry(a_row(), "run_1", DetailState.DUE, DetailRank.ACCOUNT)
IN_MANIFEST = replace(
    FRESH,
    digest="ten",
    items=("svc_1",),
    read_at=NOW - timedelta(days=1),
    read_revision=10,
    asked_revision=10,
    changed_revision=12,
    statement_revision=10,
)
"""As the manifest of revision 30 names it."""


def an_answer(detail: SubscriptionDetail | None = None, *, revision: int = 101) -> DetailAnswer:
    return DetailAnswer("c1", "s1", revision, NOW, detail)


def a_reading(digest: str, *items: str, after: int = 103, manifest_revision: int = 30) -> StoredReading:
    return StoredReading(101, digest, items, after, manifest_revision)


def test_a_reading_that_says_the_same_moves_only_when_it_was_said_last() -> None:
    entry = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("ten", "svc_1"))

    assert (entry.read_revision, entry.read_at, entry.state) == (101, NOW, DetailState.DONE)
    assert (entry.changed_revision, entry.items, entry.former_items) == (12, ("svc_1",), ())


def test_a_change_is_known_only_from_behind_the_reading_that_found_it() -> None:
    entry = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("twelve", "svc_2"))

    assert (entry.read_revision, entry.changed_revision) == (101, 103)
    assert (entry.items, entry.former_items) == (("svc_2",), ("svc_1",))


def test_what_changes_twice_since_the_manifest_left_what_that_names_and_what_came_between() -> None:
    once = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("twelve", "svc_2"))
    again = an_answer(a_detail(), revision=111)
    twice = entry_after_reading(once, again, a_reading("thirteen", "svc_3", after=113))

    assert (twice.items, twice.former_items) == (("svc_3",), ("svc_1", "svc_2"))
    assert twice.changed_revision == 113


def test_what_came_and_went_since_the_manifest_is_not_forgotten() -> None:
    came = entry_after_reading(FRESH, an_answer(a_detail()), a_reading("ten", "svc_1"))
    ended = an_answer(a_detail(a_row(status=SubscriptionStatus.REMOVED)), revision=111)

    went = entry_after_reading(came, ended, a_reading("removed", "svc_1", after=113))

    assert (went.live, went.former_items, went.changed_revision) == (False, ("svc_1",), 113)


def test_what_comes_back_to_what_it_was_has_changed_once_more() -> None:
    once = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("twelve", "svc_1"))
    again = an_answer(a_detail(), revision=111)
    back = entry_after_reading(once, again, a_reading("ten", "svc_1", after=113))

    assert back.changed_revision == 113


def test_what_changed_before_a_later_manifest_is_what_that_manifest_names() -> None:
    once = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("twelve", "svc_2"))
    again = an_answer(a_detail(), revision=211)
    later = entry_after_reading(once, again, a_reading("thirteen", "svc_3", after=213, manifest_revision=130))

    assert later.former_items == ("svc_2",)


@pytest.mark.parametrize(
    "detail",
    [
        None,
        a_detail(a_row(status=SubscriptionStatus.REMOVED)),
        a_detail(a_row(status=SubscriptionStatus.TERMINATED)),
        a_detail(a_row(account_id="c2")),
    ],
    ids=["gone", "removed", "terminated", "moved"],
)
def test_what_is_over_or_of_another_account_is_no_more_of_this_one(detail: SubscriptionDetail | None) -> None:
    entry = entry_after_reading(IN_MANIFEST, an_answer(detail), a_reading("over", "svc_1"))

    assert (entry.live, entry.items, entry.former_items) == (False, (), ("svc_1",))
    assert entry.gone is (detail is None)


@pytest.mark.parametrize("status", [SubscriptionStatus.PENDING, SubscriptionStatus.UNKNOWN])
def test_what_is_neither_active_nor_over_stays(status: SubscriptionStatus) -> None:
    entry = entry_after_reading(
        IN_MANIFEST, an_answer(a_detail(a_row(status=status))), a_reading("odd", "svc_1")
    )

    assert entry.live


def test_a_reading_for_the_services_is_no_reading_with_the_account() -> None:
    first = replace(FRESH, rank=DetailRank.NEW_OFFER)

    entry = entry_after_reading(first, an_answer(a_detail()), a_reading("ten", "svc_1"))

    assert (entry.state, entry.rank) == (DetailState.DUE, DetailRank.ACCOUNT)


def test_a_failure_leaves_what_was_read_before_as_old_as_it_is() -> None:
    entry = entry_after_failure(IN_MANIFEST, an_answer(), "odd")

    assert (entry.state, entry.why, entry.asked_revision) == (DetailState.FAILED, "odd", 101)
    assert replace(entry, state=DetailState.DUE, why="", asked_revision=10) == IN_MANIFEST


def test_an_answer_that_is_held_already_or_older_is_outdated() -> None:
    entry = entry_after_reading(IN_MANIFEST, an_answer(a_detail()), a_reading("ten", "svc_1"))

    assert is_outdated(entry, an_answer(a_detail()))
    assert is_outdated(entry, an_answer(a_detail(), revision=99))
    assert not is_outdated(entry, an_answer(a_detail(), revision=102))


def test_answers_are_written_and_read_back_as_they_were() -> None:
    product = ProductEntry(
        "PRD1",
        None,
        "Microsoft",
        "Ünï \N{GRINNING FACE}",
        Decimal("2.50"),
        Price(Decimal("6.0"), "USD"),
        None,
    )
    row = replace(a_row(term=YEAR, billing=MONTH), renews_on=date(2026, 2, 12))
    answers = [
        DetailAnswer("c1", "s1", 101, NOW, a_detail(row, product, a_product(quantity=None))),
        DetailAnswer("c1", "s2", 102, NOW, None),
        DetailAnswer("c1", "s3", 103, NOW, None, "odd"),
    ]

    read = ANSWERS.validate_json(ANSWERS.dump_json(answers))

    assert read == answers
    assert str(read[0].detail.products[0].quantity) == "2.50"  # type: ignore[union-attr]
