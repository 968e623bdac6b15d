from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marketplace import NOW, a_row

from shared.contracts.base import RunKind
from shared.contracts.vendor_sync import SubscriptionStatus
from vendor_sync.marketplace import RefusedRow, SubscriptionRow
from vendor_sync.runs.detail_queue import (
    DetailEntry,
    DetailPlan,
    DetailRank,
    DetailState,
    OfferOrder,
    QueueProgress,
    entry_key,
    entry_of_refused,
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
        DetailRank.ACCOUNT,
        read_at=when,
        read_fingerprint=row.fingerprint,
    )


@given(names=st.lists(st.sampled_from("abcdef"), max_size=30), known=st.sets(st.sampled_from("abcdef")))
def test_one_of_each_offer_that_was_never_seen_comes_before_all_else(
    names: list[str], known: set[str]
) -> None:
    rows = [a_row(str(place), name=name) for place, name in enumerate(names)]
    order = OfferOrder(frozenset(a_row(name=name).offer for name in known))

    ranks = [(order.rank(row), row.name) for row in rows]

    firsts = [name for rank, name in ranks if rank is DetailRank.NEW_OFFER]
    assert sorted(firsts) == sorted({*names} - known)
    assert {rank for rank, name in ranks if name in known} <= {DetailRank.ACCOUNT}


def test_the_entries_of_an_account_sort_together() -> None:
    keys = [entry_key(a_row(id_, account_id=account)) for account in ("1", "10", "2") for id_ in ("9", "77")]

    accounts = [key.partition(":")[0] for key in sorted(keys)]

    assert len(list(groupby(accounts))) == 3


def test_a_subscription_that_moved_leaves_an_entry_behind() -> None:
    assert entry_key(a_row("1", account_id="a")) != entry_key(a_row("1", account_id="b"))


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

    again = plan.decide_at_later_listing(on_hold, done)
    assert (again.state, again.row) == (DetailState.DUE, on_hold)
    assert plan.decide_at_later_listing(a_row("new"), None).state is DetailState.DUE


def test_what_a_later_list_shows_is_read_with_its_account_whatever_its_offer() -> None:
    row = a_row("new", name="an offer that nobody has seen")

    assert a_plan().decide_at_later_listing(row, None).rank is DetailRank.ACCOUNT


def test_what_was_learnt_of_a_subscription_survives_its_next_listing() -> None:
    before = replace(
        an_entry(), digest="d1", changed_revision=20, items=("svc",), statement_revision=7, read_revision=6
    )

    entry = a_plan().decide_at_first_listing(replace(a_row(), name="Renamed"), before)

    assert (entry.digest, entry.changed_revision, entry.items) == ("d1", 20, ("svc",))
    assert (entry.statement_revision, entry.read_revision, entry.live) == (7, 6, True)


def test_an_odd_row_is_an_entry_where_it_says_whose_subscription_it_is() -> None:
    entry = entry_of_refused(RefusedRow("odd", "7", "c1"), "run_2")

    assert entry is not None
    assert (entry.key, entry.state, entry.listed) == (entry_key(a_row("7")), DetailState.DUE, False)
    assert entry_of_refused(RefusedRow("odd", "7"), "run_2") is None
    assert entry_of_refused(RefusedRow("odd", None, "c1"), "run_2") is None


def test_coverage_is_the_share_that_was_read_or_seen_unchanged() -> None:
    assert QueueProgress(due=1, done=1, kept=1, failed=1).coverage == Decimal("0.5")
    assert QueueProgress().coverage == 1
