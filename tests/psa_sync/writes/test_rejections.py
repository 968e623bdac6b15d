"""A write that the PSA answered with a refusal is told by what the line holds then, not by the answer."""

from decimal import Decimal

import pytest
from psa import FakePsa
from writes import EIGHT, NOW, TEN, WriteHarness, a_write, only_message

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import PermanentError
from shared.mongo import Mongo


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    return WriteHarness(mongo)


async def test_a_refused_write_is_refused_once_the_line_was_read_and_holds_the_old_number(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["refused"]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.REJECTED, EIGHT, False)
    assert "quantity is invalid" in refused.detail
    assert harness.psa.calls == ["line 901", "reread 901", "write 901", "line 901"]


async def test_a_refused_write_that_was_carried_out_all_the_same_is_written(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["refused-after"]

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (written.before, written.after, written.sent) == (EIGHT, TEN, True)
    assert harness.observed_quantities() == [EIGHT, TEN]


async def test_a_repeat_that_is_refused_because_the_first_arrived_is_written(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["late", "refused"]
    harness.psa.before_call = lambda psa, _: psa.deliver_late() if len(psa.sent) == 2 else None

    written = only_message(await harness.write(a_write()), QuantityWritten)

    assert (written.after, written.sent, len(harness.psa.sent)) == (TEN, True, 2)


async def test_a_repeat_that_is_refused_while_the_first_may_arrive_waits_and_is_a_persons_matter(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["late", "refused"]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, EIGHT, True)
    assert "quantity is invalid" in refused.detail
    assert refused.refused_at >= NOW + LONGEST_REQUEST_LIFE


async def test_a_refused_write_whose_line_cannot_be_read_is_a_persons_matter(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["refused"]
    harness.psa.read_faults = [None, PermanentError("410 gone", status=410)]

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.current, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, None, True)
    assert "quantity is invalid" in refused.detail


async def test_a_number_of_somebody_else_after_a_refusal_is_a_conflict_with_its_writer(
    harness: WriteHarness,
) -> None:
    def change(psa: FakePsa, name: str) -> None:
        if name == "line 901" and psa.sent:
            psa.set_line("901", "9")

    harness.psa.write_faults = ["refused"]
    harness.psa.before_call = change

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert (refused.reason, refused.sent) == (WriteRefusal.CONFLICT, True)
    assert refused.foreign
    assert (refused.foreign.quantity, refused.foreign.updated_by) == (Decimal(9), "jdoe")


@pytest.mark.parametrize(
    ("fault", "kind"), [("locked-out-after", QuantityWritten), ("locked-out", QuantityRefused)]
)
async def test_credentials_that_are_refused_for_a_write_are_told_once_whatever_became_of_it(
    harness: WriteHarness, fault: str, kind: type[QuantityWritten | QuantityRefused]
) -> None:
    harness.psa.write_faults = [fault]

    rejected, result = await harness.write(a_write())

    assert isinstance(rejected, PsaCredentialsRejected)
    assert isinstance(result, kind)


@pytest.mark.parametrize("step", ["before rejected", "after rejected"])
async def test_a_worker_killed_when_it_stores_a_refusal_leaves_one_result(
    harness: WriteHarness, step: str
) -> None:
    harness.psa.write_faults = ["refused", "refused"]
    harness.intents.kill_at = step

    refused = only_message(await harness.write(a_write()), QuantityRefused)

    assert harness.kills == 1
    assert refused.current == EIGHT
    assert harness.psa.applied == []
