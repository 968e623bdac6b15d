from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_env import NOW

from shared.contracts.manifest import ListingExtent
from shared.contracts.vendor_sync import VendorAccountRead
from shared.limits import messages as limits
from shared.sync_engine.account_manifest import (
    AccountManifest,
    CollectedThing,
    ItemRecord,
    item_records,
    known_until,
)
from shared.sync_engine.stamp import Stamp

STAMP = Stamp("demo", "int_1", "run_1", 1, 500, NOW)


def a_thing(
    id_: str = "x",
    *items: str,
    former: tuple[str, ...] | None = None,
    read: int = 101,
    changed: int = 0,
    live: bool = True,
    unreadable: str = "",
) -> CollectedThing:
    """A thing that is as the manifest before says, unless `former` or `changed` tell otherwise."""
    return CollectedThing(
        id=id_,
        live=live,
        revision=10,
        read_revision=read,
        read_at=NOW,
        items=frozenset(items if live else ()),
        former_items=frozenset(items if former is None else former),
        changed_revision=changed,
        unreadable=unreadable,
    )


def a_manifest(*things: CollectedThing, before: dict[str, ItemRecord], listed: int = 100) -> AccountManifest:
    return AccountManifest(
        account_id="a1",
        things=things,
        records=item_records(things, before),
        listing=ListingExtent.WHOLE,
        listed_revision=listed,
        read_from=NOW - timedelta(hours=1),
        read_until=NOW,
    )


def spans(manifest: AccountManifest) -> dict[str, tuple[int, int]]:
    return {span.item_id: (span.known_from, span.known_until) for span in manifest.spans}


def test_what_is_as_before_is_known_from_before_up_to_the_listing() -> None:
    manifest = a_manifest(a_thing("x", "svc"), a_thing("y", "svc", read=102), before={"svc": ItemRecord(20)})

    assert spans(manifest) == {"svc": (20, 100)}
    assert manifest.unsettled_items == frozenset()


def test_what_was_read_before_the_listing_is_known_only_up_to_its_reading() -> None:
    manifest = a_manifest(a_thing("x", "svc"), a_thing("y", "svc", read=70), before={"svc": ItemRecord(20)})

    assert spans(manifest) == {"svc": (20, 70)}


def test_what_was_read_once_is_not_known_at_any_instant() -> None:
    manifest = a_manifest(a_thing("x", "svc", former=(), changed=103), before={})

    assert spans(manifest) == {"svc": (103, 100)}
    assert manifest.unsettled_items == {"svc"}


def test_a_change_is_known_once_all_of_its_item_was_listed_and_read_again() -> None:
    before = {"svc": ItemRecord(20), "other": ItemRecord(20)}
    things = [
        a_thing("x", "svc", read=111, changed=103),
        a_thing("y", "svc", read=112),
        a_thing("z", "other"),
    ]

    manifest = a_manifest(*things, before=before, listed=110)

    assert spans(manifest) == {"svc": (103, 110), "other": (20, 101)}


def test_what_leaves_an_item_unsettles_both_that_one_and_the_one_that_it_joins() -> None:
    thing = a_thing("x", "new", former=("old",), changed=103)

    manifest = a_manifest(thing, before={"old": ItemRecord(20)})

    assert manifest.unsettled_items == {"old", "new"}


def test_what_ended_bounds_its_item_and_is_named_no_more() -> None:
    ended = a_thing("x", former=("svc",), live=False, changed=103)
    once = a_manifest(ended, a_thing("y", "svc"), before={"svc": ItemRecord(20)})
    again = a_manifest(
        a_thing("x", former=("svc",), live=False, changed=103, read=111),
        a_thing("y", "svc", read=112),
        before={"svc": ItemRecord(20)},
        listed=110,
    )

    assert (spans(once), spans(again)) == ({"svc": (103, 100)}, {"svc": (103, 110)})
    (message,) = again.messages(VendorAccountRead, STAMP, 1)
    assert [thing.id for thing in message.things] == ["y"]
    assert [(span.ended, span.last_ended_at) for span in message.spans] == [(1, NOW)]


NOON = 1_764_417_600_000_000
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("listed", "span", "awaited"),
    [
        (NOON + 1, (NOON, NOON - 1), NOON + 12 * HOUR),
        (NOON + 12 * HOUR - 1, (NOON, NOON - 1), NOON + 12 * HOUR),
        (NOON + 12 * HOUR, (NOON, NOON + 12 * HOUR), 0),
    ],
    ids=["at once", "too early", "late enough"],
)
def test_an_end_is_known_by_a_listing_that_would_show_its_renewal(
    listed: int, span: tuple[int, int], awaited: int
) -> None:
    ended = a_thing("x", former=("svc",), live=False, changed=NOON, read=listed)
    records = item_records([ended], {"svc": ItemRecord(20)}, listed_within=timedelta(hours=12))
    manifest = replace(a_manifest(before={}, listed=listed), records=records)

    assert (spans(manifest), manifest.awaited_listing) == ({"svc": span}, awaited)
    assert [one.renewals_listed_from is None for one in manifest.spans] == [not awaited]
    assert manifest.unsettled_items == frozenset()


def test_of_several_ends_the_last_is_awaited_whichever_is_read_first() -> None:
    things = [
        a_thing("x", former=("svc",), live=False, changed=NOON + HOUR),
        a_thing("y", former=("svc",), live=False, changed=NOON),
    ]

    records = item_records(things, {}, listed_within=timedelta(hours=1))
    later = item_records([a_thing("z", "svc", changed=NOON + 9)], records, listed_within=timedelta(hours=1))

    assert (records["svc"].awaited_listing, later["svc"].awaited_listing) == (NOON + 2 * HOUR,) * 2


def test_ends_are_added_up_over_manifests() -> None:
    earlier = NOW - timedelta(days=3)
    ended = a_thing("x", former=("svc",), live=False, changed=103)

    records = item_records([ended], {"svc": ItemRecord(20, ended=4, last_ended_at=earlier)})

    assert records == {"svc": ItemRecord(103, ended=5, last_ended_at=NOW)}


def test_records_of_the_same_things_and_the_same_manifest_before_are_the_same() -> None:
    things = [a_thing("x", former=("svc",), live=False, changed=103), a_thing("y", "svc")]
    before = {"svc": ItemRecord(20)}

    assert item_records(things, before) == item_records(things, before)
    assert before == {"svc": ItemRecord(20)}


def test_what_cannot_be_read_is_named_as_it_was_and_is_not_collected_again() -> None:
    odd = a_thing("x", "svc", read=50, unreadable="403")
    manifest = a_manifest(
        odd, a_thing("y", "svc", changed=103, read=111), before={"svc": ItemRecord(20)}, listed=110
    )

    assert manifest.unsettled_items == frozenset()
    (message,) = manifest.messages(VendorAccountRead, STAMP, 1)
    assert [(one.id, one.reason) for one in message.unreadable] == [("x", "403")]
    assert [thing.id for thing in message.things] == ["x", "y"]
    assert [span.is_empty for span in message.spans] == [True]


def test_an_account_that_has_nothing_is_a_message_of_one_part() -> None:
    (message,) = a_manifest(before={}).messages(VendorAccountRead, STAMP, 3)

    assert (message.things, message.spans, message.unreadable) == ((), (), ())
    assert (message.part, message.parts, message.nth, message.revision) == (1, 1, 3, 500)


def test_a_large_account_comes_in_parts_that_count_together() -> None:
    count = 2 * limits.MANIFEST_ENTRIES.most + 1
    things = [a_thing(f"x{n}", f"svc{n % 3}") for n in range(count)]
    odd = [a_thing(f"odd{n}", unreadable="e" * 5_000) for n in range(1_500)]

    messages = [*a_manifest(*things, *odd, before={}).messages(VendorAccountRead, STAMP, 1)]

    assert [(message.part, message.parts) for message in messages] == [(1, 3), (2, 3), (3, 3)]
    assert len({message.key for message in messages}) == 3
    assert {message.revision for message in messages} == {500}
    assert sum(len(message.things) for message in messages) == count + len(odd)
    assert [one.id for message in messages for one in message.unreadable] == [one.id for one in odd]
    assert sorted(span.item_id for message in messages for span in message.spans) == ["svc0", "svc1", "svc2"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"), st.integers(1, 300), st.integers(0, 300), st.booleans(), st.booleans()
        ),
        max_size=8,
    ),
    st.integers(1, 300),
)
def test_no_span_is_wider_than_any_of_the_readings_that_it_rests_on(
    readings: list[tuple[str, int, int, bool, bool]], listed: int
) -> None:
    things = [
        a_thing(f"x{n}", item, read=read, changed=changed, live=live, unreadable="odd" if odd else "")
        for n, (item, read, changed, live, odd) in enumerate(readings)
    ]

    manifest = a_manifest(*things, before={}, listed=listed)

    for item, (known_from, until) in spans(manifest).items():
        concerned = [thing for thing in things if item in thing.concerned_items]
        assert known_from == max(thing.changed_revision for thing in concerned)
        assert until == min([listed, *(thing.read_revision for thing in concerned)])
        assert until == known_until(things, [item], listed)[item]
