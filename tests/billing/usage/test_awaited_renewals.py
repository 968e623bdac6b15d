"""What ended gives no number before a list would show its renewal, and says when one does."""

from datetime import UTC, datetime

from manifest_builders import ACME, LISTED, a_manifest, a_span, an_account_read, spans
from observation_builders import NOW, an_agreement_line
from usage_builders import the_line

from billing.observations.manifest_parts import manifests_of, part_document
from billing.usage.manifest_reader import manifest_of
from shared.contracts.billing import LineClass

TONIGHT = datetime(2026, 11, 1, 21, 5, tzinfo=UTC)
ENDED = a_span(known_from=LISTED, known_until=LISTED - 1, ended=1, renewals_listed_from=TONIGHT)


def test_what_ended_gives_no_verdict_and_says_which_sync_will() -> None:
    line = the_line(an_agreement_line(10), manifests={ACME: a_manifest(spans=spans(ENDED))})

    assert (line.line_class, line.reason) == (LineClass.NO_VERDICT, "vendor unread")
    assert line.vendor_count.detail == (
        "a subscription ended, and no list may show its renewal yet: "
        "a sync after 2026-11-01 21:05 UTC confirms it"
    )


def test_when_renewals_are_listed_is_stored_with_the_manifest_and_changes_its_lines() -> None:
    one = manifests_of([part_document(an_account_read(spans=(ENDED,)), NOW)])[0]
    awaiting = manifest_of(ACME.encode(), one.header_fields)
    longer = ENDED.model_copy(update={"renewals_listed_from": TONIGHT.replace(hour=23)})
    later = manifests_of([part_document(an_account_read(spans=(longer,)), NOW)])[0]

    assert awaiting.spans["svc1"].renewals_listed_from == TONIGHT
    assert not one.changes_numbers(awaiting)
    assert later.changes_numbers(awaiting)


def test_a_manifest_that_awaits_nothing_is_stored_as_earlier_releases_stored_it() -> None:
    """So what came before an update and comes again after it does not contradict itself."""
    part = part_document(an_account_read(spans=(a_span(ended=1),)), NOW)

    assert part["spans"] == [["svc1", 1, LISTED, 1, None]]
    fields = manifests_of([part])[0].header_fields
    assert manifest_of(ACME.encode(), fields).spans["svc1"].renewals_listed_from is None
