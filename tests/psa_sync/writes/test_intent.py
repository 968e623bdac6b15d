from datetime import timedelta
from decimal import Decimal

from writes import EIGHT, NOW, TEN, a_write

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, Intent, WriteStage
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal

WAITING = Intent(a_write("10", expected="8"), "1", NOW)


def test_a_write_is_due_from_its_moment_on_until_it_is_finished() -> None:
    assert not WAITING.is_due(NOW - timedelta(seconds=1))
    assert WAITING.is_due(NOW)
    assert not WAITING.finish_written(NOW, sent=False).is_due(NOW)


def test_a_send_that_the_psa_did_not_take_is_as_if_it_had_not_been_made() -> None:
    undone = WAITING.begin_send(NOW).undo_send()

    assert (undone.stage, undone.sends) == (WriteStage.WAITING, 0)


def test_an_earlier_send_of_unknown_outcome_keeps_the_outcome_open() -> None:
    clashed = WAITING.begin_send(NOW).begin_send(NOW).record_clash()

    assert (clashed.stage, clashed.sends, clashed.clashes) == (WriteStage.SENDING, 1, 1)


def test_a_write_that_waits_changes_no_stage() -> None:
    later = NOW + timedelta(minutes=1)
    sending, sent = WAITING.begin_send(NOW), WAITING.begin_send(NOW).acknowledge(TEN, "request-1")

    assert (sending.postpone(later).stage, sending.postpone(later).due_at) == (WriteStage.SENDING, later)
    assert (sent.record_unproven(later).stage, sent.record_unproven(later).proofs) == (WriteStage.SENT, 1)


def test_a_new_send_starts_with_short_pauses_again() -> None:
    assert WAITING.postpone(NOW).postpone(NOW).begin_send(NOW).delays == 0


def test_the_result_names_the_number_before_only_as_far_as_we_changed_it() -> None:
    ours, theirs = WAITING.finish_written(NOW, sent=True), WAITING.finish_written(NOW, sent=False)

    assert isinstance(ours.result, QuantityWritten)
    assert isinstance(theirs.result, QuantityWritten)
    assert (ours.result.before, ours.result.after) == (EIGHT, TEN)
    assert (theirs.result.before, theirs.result.after) == (TEN, TEN)


def test_a_refusal_carries_every_request_that_the_psa_acknowledged() -> None:
    sent = WAITING.begin_send(NOW).acknowledge(TEN, "request-1").begin_send(NOW).acknowledge(TEN, None)

    refused = sent.finish_refused(NOW, WriteRefusal.CONFLICT, detail="9", current=Decimal(9))

    assert isinstance(refused.result, QuantityRefused)
    assert (refused.result.request_ids, refused.result.current) == (("request-1",), Decimal(9))
    assert refused.finished


def test_what_was_sent_without_an_answer_may_arrive_for_as_long_as_a_request_lives() -> None:
    cut, later = WAITING.begin_send(NOW), NOW + timedelta(seconds=5)

    assert WAITING.may_arrive_until is None
    assert cut.may_arrive_until == NOW + LONGEST_REQUEST_LIFE
    assert cut.begin_send(later).may_arrive_until == later + LONGEST_REQUEST_LIFE


def test_an_answer_ends_the_life_of_its_own_request_alone() -> None:
    cut, later = WAITING.begin_send(NOW), NOW + timedelta(seconds=5)
    again = cut.begin_send(later)

    assert cut.acknowledge(TEN, "request-1").may_arrive_until is None
    assert cut.undo_send().may_arrive_until is None
    for answered in (again.acknowledge(TEN, "request-2"), again.undo_send(), again.record_clash()):
        assert answered.may_arrive_until == NOW + LONGEST_REQUEST_LIFE


def test_a_write_that_ends_leaves_the_mark_of_what_may_still_arrive() -> None:
    proven = WAITING.begin_send(NOW).finish_written(NOW, sent=True)

    assert proven.may_arrive_until == NOW + LONGEST_REQUEST_LIFE
