"""Who else wrote, where the PSA stamps little or wrongly, and where it was ourselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from psa import US, FakePsa
from writes import NOW, TEN, WriteHarness, a_write, only_message

from psa_sync.psa import LastUpdate
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import ForeignWrite, WriteRefusal
from shared.mongo import Mongo

NINE = Decimal(9)


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    return harness


def stamped(psa: FakePsa, stamp: LastUpdate | None) -> None:
    psa.held_lines["901"] = replace(psa.held_lines["901"], last_update=stamp)


@pytest.mark.parametrize("by", ["jdoe", None])
@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=4000), -timedelta(days=4000)])
async def test_a_foreign_number_is_told_whatever_clock_the_psa_stamps_it_by(
    harness: WriteHarness, ahead: timedelta, by: str | None
) -> None:
    """A time that cannot be right is left out; who it was, and the number, are told all the same."""
    at = datetime.now(UTC) + ahead

    def change(psa: FakePsa, name: str) -> None:
        if name == "reread 901" and not psa.changes:
            psa.set_line("901", "9")
            stamped(psa, LastUpdate(at, by))

    harness.psa.before_call = change
    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.sent) == (WriteRefusal.CONFLICT, False)
    told_at = None if ahead > timedelta(days=1) else at
    assert refused.foreign == ForeignWrite(quantity=NINE, updated_by=by, updated_at=told_at)


async def test_a_foreign_number_is_told_where_the_psa_stamps_nothing(harness: WriteHarness) -> None:
    def change(psa: FakePsa, name: str) -> None:
        if name == "reread 901":
            psa.set_line("901", "9")
            stamped(psa, None)

    harness.psa.before_call = change
    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert refused.foreign == ForeignWrite(quantity=NINE)
    assert harness.psa.sent == []


async def test_without_stamps_an_unanswered_write_is_sent_again_and_proven_by_its_number(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["cut-before"]
    harness.psa.before_call = lambda psa, _: stamped(psa, None)

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (written.after, written.overwritten, written.followed_by) == (TEN, None, None)


async def test_a_line_that_was_changed_by_nobody_in_particular_is_not_written_to_again(
    harness: WriteHarness,
) -> None:
    harness.psa.set_line("901", "8")
    harness.psa.write_faults = ["cut-after"]
    await harness.writes.receive([a_write()])
    await harness.work_once()
    stamped(harness.psa, LastUpdate(NOW + timedelta(seconds=1), None))
    harness.psa.held_lines["901"] = replace(harness.psa.held_lines["901"], quantity=Decimal(8))

    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert refused.reason is WriteRefusal.CONFLICT
    assert "was changed since by somebody" in refused.detail


@pytest.mark.parametrize("by", [US, None])
async def test_our_own_first_request_that_arrives_after_its_repeat_is_nobody_elses(
    harness: WriteHarness, by: str | None
) -> None:
    """The repeat is acknowledged, and the first request sets the same number once more before we read."""

    def arrive(psa: FakePsa, name: str) -> None:
        if name == "line 901" and len(psa.sent) == 2 and psa.late:
            psa.deliver_late()
            stamped(psa, LastUpdate(NOW + timedelta(minutes=1), by))

    harness.psa.write_faults = ["late"]
    harness.psa.before_call = arrive
    await harness.writes.receive([a_write()])
    await harness.work_until_done()

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert (len(harness.psa.sent), written.followed_by) == (2, None)


async def test_a_number_that_an_unanswered_write_of_ours_set_is_nobody_elses(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["late"]
    await harness.writes.receive([a_write("10")])
    await harness.work_once()
    harness.now += timedelta(seconds=2)
    await harness.connect_integration(IntegrationStatus.DISCONNECTED, revision=2)
    await harness.work_once()
    await harness.connect_integration(revision=3)
    await harness.writes.receive([a_write("20", approval_id="apr_2")])
    harness.psa.deliver_late()
    harness.now = NOW + LONGEST_REQUEST_LIFE
    await harness.work_until_done()

    _, refused = await harness.outbox_messages()
    assert isinstance(refused, QuantityRefused)
    assert (refused.reason, refused.current, refused.foreign) == (WriteRefusal.CONFLICT, TEN, None)
