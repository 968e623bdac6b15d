from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketplace import NOW, a_row

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import SubscriptionRow
from vendor_sync.runs.detail_queue import (
    DetailEntry,
    DetailPlan,
    DetailRank,
    DetailState,
    OfferOrder,
    QueueProgress,
)


def a_plan(kind: RunKind = RunKind.FULL, *, run_id: str = "run_2") -> DetailPlan:
    return DetailPlan(run_id, kind, NOW, timedelta(days=7), OfferOrder(frozenset()))


def an_entry(
    row: SubscriptionRow | None = None, *, read_at: datetime | None = None, run_id: str = "run_1"
) -> DetailEntry:
    """Known from an earlier run, its detail read when the row looked the same."""
    row = row or a_row()
    when = read_at or NOW - timedelta(days=1)
    return DetailEntry(
        row,
        run_id,
        DetailState.DONE,
        DetailRank.REST,
        row.status,
        read_at=when,
        read_fingerprint=row.fingerprint,
    )


@given(names=st.lists(st.sampled_from("abcdef"), max_size=30), read_before=st.sets(st.sampled_from("abcdef")))
def test_one_of_each_offer_comes_before_the_rest_and_unread_offers_first(
    names: list[str], read_before: set[str]
) -> None:
    rows = [a_row(str(place), name=name) for place, name in enumerate(names)]
    order = OfferOrder(frozenset(a_row(name=name).offer for name in read_before))

    ranked = sorted([(order.rank(row), place, row.name) for place, row in enumerate(rows)])

    offers = [name for *_, name in ranked]
    firsts = offers[: len(set(names))]
    assert sorted(firsts) == sorted(set(names))
    assert [name in read_before for name in firsts] == sorted(name in read_before for name in firsts)


def test_a_full_run_reads_every_detail() -> None:
    assert a_plan().decide_at_first_listing(a_row(), an_entry()).state is DetailState.DUE


@pytest.mark.parametrize(
    ("before", "state"),
    [
        (None, DetailState.DUE),
        (an_entry(), DetailState.KEPT),
        (an_entry(read_at=NOW - timedelta(days=7)), DetailState.DUE),
        (an_entry(a_row(name="Another")), DetailState.DUE),
        (replace(an_entry(), read_at=None), DetailState.DUE),
        (replace(an_entry(), gone=True), DetailState.DUE),
    ],
    ids=["new", "unchanged", "old", "changed", "never-read", "was-gone"],
)
def test_a_quick_run_keeps_what_is_unchanged_and_read_lately(
    before: DetailEntry | None, state: DetailState
) -> None:
    assert a_plan(RunKind.QUICK).decide_at_first_listing(a_row(), before).state is state


@pytest.mark.parametrize(
    ("days", "state"), [(0, DetailState.DUE), (1, DetailState.DUE), (2, DetailState.KEPT)]
)
def test_a_change_on_the_day_of_the_last_reading_may_have_come_after_it(
    days: int, state: DetailState
) -> None:
    read_at = datetime(2026, 10, 30, 9, tzinfo=UTC)
    row = replace(a_row(), modified_on=date(2026, 10, 30) - timedelta(days=days))

    assert a_plan(RunKind.QUICK).decide_at_first_listing(row, an_entry(row, read_at=read_at)).state is state


def test_what_came_back_is_as_if_never_read() -> None:
    entry = a_plan().decide_at_first_listing(a_row(), replace(an_entry(), gone=True))

    assert (entry.gone, entry.read_at) == (False, None)


def test_a_listing_that_is_repeated_changes_no_decision() -> None:
    plan = a_plan(RunKind.QUICK)
    once = plan.decide_at_first_listing(a_row(), an_entry())

    assert plan.decide_at_first_listing(a_row(), once) == once
    assert (
        plan.decide_at_first_listing(a_row(), replace(once, state=DetailState.DONE)).state is DetailState.DONE
    )


def test_the_listing_at_the_end_makes_due_what_changed_or_came_since() -> None:
    plan = a_plan()
    done = replace(plan.decide_at_first_listing(a_row(), None), state=DetailState.DONE)
    on_hold = replace(a_row(), status=SubscriptionStatus.HOLD)

    assert plan.decide_at_last_listing(on_hold, done).state is DetailState.DUE
    assert plan.decide_at_last_listing(a_row("new"), None).state is DetailState.DUE


def test_coverage_is_the_share_that_was_read_or_seen_unchanged() -> None:
    assert QueueProgress(due=1, done=1, kept=1, failed=1).coverage == Decimal("0.5")
    assert QueueProgress().coverage == 1
