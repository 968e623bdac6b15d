"""Every write ends in one stored outcome, whatever is raised, wherever, and however often."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from psa import FakePsa
from writes import NOW, WriteHarness, a_write, only_message

from psa_sync.writes.decide import PATIENCE
from shared.contracts import Message
from shared.contracts.psa_sync import PsaCredentialsRejected, QuantityRefused
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import (
    Conflict,
    CredentialsRejected,
    LongPause,
    OutcomeUnknown,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.mongo import Mongo
from shared.sync_engine.models import IntegrationState

ERRORS: dict[str, Exception] = {
    "transient": TransientError("503", status=503),
    "for a week": LongPause("quota", retry_after=7 * 86400, status=403),
    "outcome unknown": OutcomeUnknown("cut"),
    "permanent": PermanentError("400", status=400),
    "credentials": CredentialsRejected("401", status=401),
    "odd answer": UnexpectedResponse("no JSON"),
    "conflict": Conflict("409", status=409),
    "a bug": KeyError("quantity"),
    "several at once": ExceptionGroup("two", [ValueError("a"), OSError("b")]),
}
EXPIRED = a_write().valid_until + timedelta(minutes=1)
MOMENTS = (NOW, NOW + timedelta(minutes=2), EXPIRED, EXPIRED + timedelta(minutes=8), EXPIRED + PATIENCE)
"""When a worker looks: before the command has expired, right after, and when its time is over."""
Fault = Callable[[FakePsa, str], None]


def always_at(call: str, error: Exception, *, once_sent: bool = False) -> Fault:
    def fail(psa: FakePsa, name: str) -> None:
        if name == call and (psa.sent or not once_sent):
            raise error

    return fail


async def outcome_of(harness: WriteHarness) -> QuantityRefused:
    """Works on the write until it has ended, and once more; returns its result."""
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    for moment in MOMENTS:
        harness.now = moment
        await harness.work_once()
    return only_message(await results_of(harness), QuantityRefused)


async def results_of(harness: WriteHarness) -> list[Message]:
    messages = await harness.outbox_messages()
    return [one for one in messages if not isinstance(one, PsaCredentialsRejected)]


@pytest.mark.parametrize("call", ["line 901", "reread 901"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_an_error_before_anything_is_sent_ends_the_write_unsent(
    mongo: Mongo, error: Exception, call: str
) -> None:
    harness = WriteHarness(mongo)
    harness.psa.before_call = always_at(call, error)

    refused = await outcome_of(harness)

    assert refused.reason in (WriteRefusal.EXPIRED, WriteRefusal.REJECTED)
    assert (refused.sent, harness.psa.sent) == (False, [])


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_an_error_instead_of_the_psas_answer_ends_the_write(mongo: Mongo, error: Exception) -> None:
    harness = WriteHarness(mongo)
    harness.psa.before_call = always_at("write 901", error)

    refused = await outcome_of(harness)

    assert refused.reason in (WriteRefusal.EXPIRED, WriteRefusal.REJECTED, WriteRefusal.UNKNOWN_OUTCOME)
    assert harness.psa.applied == []


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_an_error_of_every_read_back_makes_the_write_a_persons_matter(
    mongo: Mongo, error: Exception
) -> None:
    harness = WriteHarness(mongo)
    harness.psa.before_call = always_at("line 901", error, once_sent=True)

    refused = await outcome_of(harness)

    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)
    assert len(harness.psa.sent) == 1


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
async def test_a_psa_that_cannot_be_opened_ends_the_write_unsent(mongo: Mongo, error: Exception) -> None:
    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[FakePsa]:
        raise error
        yield FakePsa()

    refused = await outcome_of(WriteHarness(mongo, connect=connect))

    assert refused.reason in (WriteRefusal.EXPIRED, WriteRefusal.REJECTED)
    assert not refused.sent


async def test_a_write_that_is_put_off_beyond_its_validity_expires_when_that_ends(mongo: Mongo) -> None:
    harness, command = WriteHarness(mongo), a_write()
    harness.psa.read_faults = [LongPause("quota", retry_after=86400)] * 2
    await harness.connect_integration()
    await harness.writes.receive([command])
    await harness.work_once()

    harness.now = command.valid_until + timedelta(seconds=1)
    await harness.work_once()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.EXPIRED, False)
