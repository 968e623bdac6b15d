from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from marketplace import NOW, a_row

from shared.contracts.manifest import ListingExtent
from shared.sync_engine.account_manifest import ItemRecord
from vendor_sync.runs.account_collect import (
    MAX_COLLECTS,
    AccountCollect,
    AccountListing,
    CollectedAccount,
    CollectRules,
    NextMove,
    is_concerned,
)
from vendor_sync.runs.detail_queue import DetailEntry, DetailRank, DetailState

LISTED = AccountListing(100, ListingExtent.WHOLE)
RECORDS = {"svc_1": ItemRecord(20), "svc_2": ItemRecord(20)}
MAY_ALL = CollectRules(may_wait=True, can_list=True)


def an_entry(subscription_id: str, *items: str, changed: int = 12, read: int = 101) -> DetailEntry:
    """Read in this run; the manifest of revision 30 names it unless it changed behind that."""
    return DetailEntry(
        a_row(subscription_id),
        "run_2",
        DetailState.DONE,
        DetailRank.ACCOUNT,
        read_at=NOW,
        read_revision=read,
        asked_revision=read,
        statement_revision=10,
        changed_revision=changed,
        items=items,
        former_items=items,
    )


def collected(*entries: DetailEntry, collects: int = 1, manifest_revision: int = 30) -> CollectedAccount:
    account = CollectedAccount(
        AccountCollect("c1", LISTED, collects=collects),
        run_id="run_2",
        manifest_revision=manifest_revision,
        records=RECORDS if manifest_revision else {},
    )
    for entry in entries:
        account.add(entry)
    return account


def move(account: CollectedAccount, rules: CollectRules = MAY_ALL) -> NextMove:
    return account.next_move(account.concerned_items(account.manifest(NOW)), rules)


def test_an_account_of_which_something_is_due_is_read_on() -> None:
    due = replace(an_entry("y", "svc_1"), state=DetailState.DUE)

    assert move(collected(an_entry("x", "svc_1"), due)) is NextMove.READ


def test_what_an_earlier_run_left_due_does_not_hold_up_this_one() -> None:
    left = replace(an_entry("y", "svc_1"), state=DetailState.DUE, run_id="run_1")

    assert move(collected(an_entry("x", "svc_1"), left)) is NextMove.PUBLISH


def test_an_account_that_is_as_it_was_is_published() -> None:
    account = collected(an_entry("x", "svc_1"), an_entry("y", "svc_2", read=102))

    assert move(account) is NextMove.PUBLISH
    spans = {span.item_id: (span.known_from, span.known_until) for span in account.manifest(NOW).spans}
    assert spans == {"svc_1": (20, 100), "svc_2": (20, 100)}


def test_a_first_manifest_is_published_as_it_is() -> None:
    account = collected(an_entry("x", "svc_1", changed=103), manifest_revision=0)

    assert move(account) is NextMove.PUBLISH
    assert [span.is_empty for span in account.manifest(NOW).spans] == [True]


def test_a_change_is_collected_again_with_its_services_alone() -> None:
    account = collected(an_entry("x", "svc_1", changed=103), an_entry("y", "svc_2"))

    assert move(account) is NextMove.LIST
    assert account.concerned_items(account.manifest(NOW)) == {"svc_1"}


@pytest.mark.parametrize("collects", range(1, MAX_COLLECTS + 1))
def test_an_account_is_collected_three_times_at_most(collects: int) -> None:
    account = collected(an_entry("x", "svc_1", changed=103), collects=collects)

    assert move(account) is (NextMove.PUBLISH if collects == MAX_COLLECTS else NextMove.LIST)


def an_ended(subscription_id: str) -> DetailEntry:
    return replace(an_entry(subscription_id, changed=103), live=False, former_items=("svc_1",))


def test_an_end_waits_for_the_last_lists_and_behind_them_does_not() -> None:
    account = collected(an_ended("x"), an_entry("y", "svc_1"))

    assert move(account) is NextMove.WAIT
    assert move(account, CollectRules(may_wait=False, can_list=True)) is NextMove.LIST


def test_where_no_account_can_be_listed_a_change_waits_and_then_is_published() -> None:
    account = collected(an_entry("x", "svc_1", changed=103))

    assert move(account, CollectRules(may_wait=True, can_list=False)) is NextMove.WAIT
    assert move(account, CollectRules(may_wait=False, can_list=False)) is NextMove.PUBLISH


def test_an_end_is_counted_in_one_manifest_and_left_out_of_the_next() -> None:
    ended = an_ended("x")
    (first,) = [span for span in collected(ended).manifest(NOW).spans if span.item_id == "svc_1"]
    next_one = collected(ended, manifest_revision=130).manifest(NOW)

    assert (first.ended, first.last_ended_at) == (1, NOW)
    assert next_one.things == []
    assert all(span.ended == 0 for span in next_one.spans)


def test_what_was_never_read_bounds_nothing_and_is_named_with_its_reason() -> None:
    never = DetailEntry(a_row("n"), "run_2", DetailState.FAILED, DetailRank.ACCOUNT, why="odd")
    account = collected(an_entry("x", "svc_1"), never)

    (thing,) = [thing for thing in account.manifest(NOW).things if thing.id == "n"]
    assert (thing.live, thing.revision, thing.unreadable) == (False, 0, "odd")
    assert not any(span.is_empty for span in account.manifest(NOW).spans)


def test_a_quick_run_leaves_alone_what_was_unsettled_before_it() -> None:
    kept = replace(an_entry("y", "svc_2", read=15), state=DetailState.KEPT)
    account = CollectedAccount(
        AccountCollect("c1", LISTED),
        run_id="run_2",
        manifest_revision=30,
        records={"svc_1": ItemRecord(20), "svc_2": ItemRecord(25)},
    )
    account.add(kept)
    account.add(an_entry("x", "svc_1"))

    assert account.manifest(NOW).unsettled_items == {"svc_2"}
    assert account.concerned_items(account.manifest(NOW)) == frozenset()


def test_newer_lists_are_one_more_collect_and_older_ones_none() -> None:
    collect = AccountCollect("c1", AccountListing(110, ListingExtent.SHORT), collects=2, waits=True)

    later = collect.after_lists(AccountListing(200, ListingExtent.WHOLE))

    assert (later.collects, later.listing.revision, later.waits) == (3, 200, False)
    assert collect.after_lists(LISTED) == collect


def test_what_is_read_again_is_what_the_services_were_or_are_sold_by() -> None:
    items = frozenset({"svc_1"})
    changed = replace(an_entry("x", "svc_2", changed=103), former_items=("svc_1",))

    assert is_concerned(an_entry("x", "svc_1"), items, 30)
    assert is_concerned(changed, items, 30)
    assert not is_concerned(changed, items, 130)
    assert not is_concerned(an_entry("y", "svc_2"), items, 30)
    assert not is_concerned(replace(an_entry("x", "svc_1"), why="odd"), items, 30)


def test_an_account_was_read_from_its_first_collect_on() -> None:
    began_at = NOW - timedelta(hours=1)
    account = CollectedAccount(
        AccountCollect("c1", listed_at(NOW), collects=2, began_at=began_at),
        run_id="run_2",
        manifest_revision=30,
        records=RECORDS,
    )
    account.add(an_entry("x", "svc_1"))

    assert (account.manifest(NOW).read_from, account.manifest(NOW).read_until) == (began_at, NOW)


def test_what_an_account_does_not_have_is_as_old_as_the_listing_that_did_not_show_it() -> None:
    listed = NOW - timedelta(days=2)
    account = CollectedAccount(
        AccountCollect("c1", listed_at(listed)), run_id="run_2", manifest_revision=30, records=RECORDS
    )
    assert account.manifest(NOW).read_from == listed

    account.add(an_entry("x", "svc_1"))
    assert account.manifest(NOW).read_from == listed


def listed_at(moment: datetime) -> AccountListing:
    """A listing of which the revision was taken at that moment: microseconds since the epoch."""
    return AccountListing(int(moment.timestamp() * 1_000_000), ListingExtent.WHOLE)
