"""Who else wrote to a line while we did: what its stamps and numbers show is reported, with both numbers."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from psa import FIRST_CHANGE, FakePsa
from writes import TEN, WriteHarness, a_write, only_message

from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import ForeignWrite, WriteRefusal
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


def by_jdoe(quantity: str, change: int) -> ForeignWrite:
    """Returns jdoe's write as the fake PSA stamps it: its so-manieth change."""
    at = FIRST_CHANGE + timedelta(seconds=change)
    return ForeignWrite(quantity=Decimal(quantity), updated_by="jdoe", updated_at=at)


def once_before(call: str, quantity: str) -> Callable[[FakePsa, str], None]:
    """Has jdoe set line 901 right before the named call, the first time that it is made."""
    waiting = [call]

    def change(psa: FakePsa, name: str) -> None:
        if waiting == [name]:
            waiting.clear()
            psa.set_line("901", quantity)

    return change


async def test_a_change_between_our_reading_and_our_write_is_a_conflict_and_not_overwritten(
    harness: WriteHarness,
) -> None:
    harness.psa.before_call = once_before("reread 901", "9")

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.sent) == (WriteRefusal.CONFLICT, False)
    assert refused.foreign == by_jdoe("9", 1)
    assert harness.psa.sent == []


async def test_a_change_that_leaves_the_facts_as_they_were_only_costs_another_look(
    harness: WriteHarness,
) -> None:
    harness.psa.before_call = once_before("reread 901", "8")

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (written.overwritten, written.followed_by) == (None, None)
    assert harness.psa.calls.count("line 901") == 3


async def test_a_change_that_a_late_request_of_ours_overwrote_is_reported_with_both_numbers(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["late"]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    await harness.work_once()
    harness.psa.set_line("901", "9")
    harness.now += timedelta(seconds=30)
    await harness.work_once()
    harness.psa.deliver_late()

    await harness.work_until_done()

    written = only_message(await harness.outbox_messages(), QuantityWritten)
    assert (written.before, written.after, written.sent) == (Decimal(8), TEN, True)
    assert written.overwritten == by_jdoe("9", 1)


async def test_a_line_that_was_touched_after_our_request_is_not_written_to_again(
    harness: WriteHarness,
) -> None:
    # Ours took effect, and somebody took it back: the number is the one that we would send upon.
    harness.psa.set_line("901", "8")
    harness.psa.write_faults = ["cut-after"]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    await harness.work_once()
    harness.psa.set_line("901", "8")
    harness.now += timedelta(seconds=30)

    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.CONFLICT, Decimal(8), True)
    assert "was changed since by jdoe" in refused.detail
    assert len(harness.psa.sent) == 1


async def test_a_change_after_ours_that_keeps_the_number_is_named(harness: WriteHarness) -> None:
    harness.psa.before_call = lambda psa, name: (
        psa.set_line("901", "10") if name == "line 901" and psa.sent else None
    )

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert written.followed_by == by_jdoe("10", 2)


async def test_a_write_that_somebody_took_back_is_a_conflict_and_not_refused_by_the_psa(
    harness: WriteHarness,
) -> None:
    harness.psa.set_line("901", "8")
    harness.psa.before_call = lambda psa, name: (
        psa.set_line("901", "8") if name == "line 901" and psa.sent else None
    )

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.CONFLICT, Decimal(8), True)
    assert refused.detail == (
        "the line holds 8 again after the PSA accepted 10: changed by jdoe at 2026-03-02T11:00:03+00:00"
    )


async def test_a_change_after_ours_of_the_number_is_a_conflict_with_its_writer(harness: WriteHarness) -> None:
    harness.psa.before_call = lambda psa, name: (
        psa.set_line("901", "9") if name == "line 901" and psa.sent else None
    )

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.sent, refused.foreign) == (
        WriteRefusal.CONFLICT,
        True,
        by_jdoe("9", 2),
    )


async def test_a_write_that_nobody_crossed_names_nobody(harness: WriteHarness) -> None:
    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (written.overwritten, written.followed_by) == (None, None)
