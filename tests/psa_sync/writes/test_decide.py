"""The next step about a write of 8 → 10, by its stage and by the number that the line holds."""

from dataclasses import replace
from datetime import timedelta

import pytest
from psa import a_line
from writes import NOW, TEN, a_write

from psa_sync.writes.decide import (
    MAX_CLASHES,
    MAX_PROOFS,
    MAX_SENDS,
    PATIENCE,
    ReadAgain,
    ReadLater,
    Refused,
    Send,
    WriteVerdict,
    Written,
    decide,
    decide_broken,
    decide_unread,
)
from psa_sync.writes.intent import LONGEST_REQUEST_LIFE, Intent
from shared.contracts.quantity_write import WriteRefusal

WAITING = Intent(a_write("10", expected="8"), "1", NOW)
SENDING = WAITING.begin_send(NOW)
SENT = SENDING.acknowledge(WAITING.command.target, "request-1")
OVER = NOW + LONGEST_REQUEST_LIFE
"""From here on nothing that was sent at `NOW` can arrive any more."""
LATE = WAITING.command.valid_until + timedelta(seconds=1)


def kind_of(verdict: WriteVerdict) -> object:
    """Returns the refusal's reason, or the verdict itself."""
    return verdict.reason if isinstance(verdict, Refused) else verdict


@pytest.mark.parametrize(
    ("intent", "quantity", "verdict"),
    [
        (WAITING, "10", Written(sent=False)),
        (WAITING, "8", Send()),
        (WAITING, "9", WriteRefusal.CONFLICT),
        (WAITING, None, WriteRefusal.CONFLICT),
        (SENDING, "10", Written(sent=True)),
        (SENDING, "8", Send()),
        (SENDING, "9", ReadLater(OVER)),
        (SENT, "10", Written(sent=True)),
        (SENT, "8", ReadAgain()),
        (SENT, "9", WriteRefusal.CONFLICT),
        (replace(SENT, acknowledged=None), "9", WriteRefusal.REJECTED),
    ],
)
def test_the_number_that_the_line_holds_decides(
    intent: Intent, quantity: str | None, verdict: object
) -> None:
    assert kind_of(decide(intent, a_line(quantity=quantity), NOW)) == verdict


SENT_TWICE = SENDING.begin_send(NOW + timedelta(minutes=1)).acknowledge(TEN, "request-2")
"""The first request has no answer; the second has one."""


@pytest.mark.parametrize(
    ("intent", "quantity", "verdict"),
    [
        (SENDING, "9", WriteRefusal.CONFLICT),
        (SENDING, "10", Written(sent=True)),
        (SENDING, "8", Send()),
        (SENDING, None, WriteRefusal.CONFLICT),
        (replace(SENDING, sends=MAX_SENDS), "8", WriteRefusal.UNKNOWN_OUTCOME),
        (replace(SENT_TWICE, proofs=MAX_PROOFS - 1), "8", WriteRefusal.REJECTED),
        (SENT_TWICE, "9", WriteRefusal.CONFLICT),
    ],
)
def test_nothing_is_refused_while_a_request_without_an_answer_may_still_arrive(
    intent: Intent, quantity: str | None, verdict: object
) -> None:
    before, line = OVER - timedelta(seconds=1), a_line(quantity=quantity)

    refused = isinstance(verdict, WriteRefusal)
    assert decide(intent, line, before) == (ReadLater(OVER) if refused else verdict)
    assert kind_of(decide(intent, line, OVER)) == verdict


@pytest.mark.parametrize("intent", [WAITING, SENDING, SENT], ids=["waiting", "sending", "sent"])
def test_a_line_that_is_gone_is_a_conflict_at_every_stage(intent: Intent) -> None:
    assert kind_of(decide(intent, None, OVER)) is WriteRefusal.CONFLICT


@pytest.mark.parametrize(
    ("intent", "reason"),
    [
        (replace(WAITING, clashes=MAX_CLASHES), WriteRefusal.REJECTED),
        (replace(SENDING, clashes=MAX_CLASHES), WriteRefusal.UNKNOWN_OUTCOME),
        (replace(SENDING, sends=MAX_SENDS), WriteRefusal.UNKNOWN_OUTCOME),
        (replace(SENT, proofs=MAX_PROOFS - 1), WriteRefusal.REJECTED),
    ],
    ids=["clashes-unsent", "clashes-open", "sends", "proofs"],
)
def test_every_repetition_has_its_limit(intent: Intent, reason: WriteRefusal) -> None:
    assert kind_of(decide(intent, a_line(quantity="8"), OVER)) is reason


@pytest.mark.parametrize(
    ("intent", "reason"), [(WAITING, WriteRefusal.EXPIRED), (SENDING, WriteRefusal.UNKNOWN_OUTCOME)]
)
def test_nothing_is_sent_once_the_approval_is_no_longer_valid(intent: Intent, reason: WriteRefusal) -> None:
    assert kind_of(decide(intent, a_line(quantity="8"), LATE)) is reason


@pytest.mark.parametrize("intent", [WAITING, SENDING], ids=["waiting", "sending"])
def test_a_target_that_is_reached_counts_even_when_the_approval_is_no_longer_valid(intent: Intent) -> None:
    assert isinstance(decide(intent, a_line(quantity="10"), LATE), Written)


@pytest.mark.parametrize(
    ("intent", "ends_after", "reason"),
    [
        (WAITING, timedelta(0), WriteRefusal.EXPIRED),
        (SENDING, PATIENCE, WriteRefusal.UNKNOWN_OUTCOME),
        (SENT, PATIENCE, WriteRefusal.UNKNOWN_OUTCOME),
    ],
    ids=["waiting", "sending", "sent"],
)
def test_a_write_whose_line_cannot_be_read_is_given_up_in_time(
    intent: Intent, ends_after: timedelta, reason: WriteRefusal
) -> None:
    end = intent.command.valid_until + ends_after

    assert decide_unread(intent, end, "503") is None
    refused = decide_unread(intent, end + timedelta(seconds=1), "503")
    assert refused is not None
    assert refused.reason is reason


@pytest.mark.parametrize(
    ("intent", "ends_after", "reason"),
    [
        (WAITING, timedelta(0), WriteRefusal.REJECTED),
        (SENDING, PATIENCE, WriteRefusal.UNKNOWN_OUTCOME),
        (SENT, PATIENCE, WriteRefusal.UNKNOWN_OUTCOME),
    ],
    ids=["waiting", "sending", "sent"],
)
def test_a_write_that_an_error_of_ours_stops_is_given_up_in_time(
    intent: Intent, ends_after: timedelta, reason: WriteRefusal
) -> None:
    end = intent.command.valid_until + ends_after

    assert decide_broken(intent, end, "a bug") is None
    refused = decide_broken(intent, end + timedelta(seconds=1), "a bug")
    assert refused is not None
    assert refused.reason is reason
