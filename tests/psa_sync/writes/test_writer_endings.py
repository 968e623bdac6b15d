"""Whatever is raised while a write is carried on, it ends with a stored result that says what is known."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from psa import FakePsa
from writes import LINE, WriteHarness, a_write, only_message

from psa_sync.writes.decide import PATIENCE
from psa_sync.writes.jobs import WriteJobs
from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import PermanentError, TransientError
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.leases import Leases
from shared.sync_engine.models import IntegrationState

VALID_UNTIL = a_write().valid_until
MOMENT = timedelta(seconds=1)


@pytest.fixture
async def harness(mongo: Mongo) -> WriteHarness:
    harness = WriteHarness(mongo)
    await harness.connect_integration()
    await harness.writes.receive([a_write()])
    return harness


def breaks_for_good(harness: WriteHarness) -> None:
    harness.psa.faults = {"line 901": [ValueError("a bug")] * 4}


async def test_an_error_of_ours_before_anything_was_sent_ends_as_rejected(harness: WriteHarness) -> None:
    breaks_for_good(harness)
    await harness.work_once()
    assert await harness.outbox_messages() == []

    harness.now = VALID_UNTIL + MOMENT
    await harness.work_once()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.REJECTED, False)
    assert "ValueError: a bug" in refused.detail
    assert await harness.writes.next_unfinished(LINE) is None


async def test_an_error_of_ours_after_it_was_sent_ends_as_unknown(harness: WriteHarness) -> None:
    harness.psa.write_faults = ["cut-after"]
    await harness.work_once()
    breaks_for_good(harness)

    for moment, ended in ((VALID_UNTIL + PATIENCE, 0), (VALID_UNTIL + PATIENCE + timedelta(minutes=2), 1)):
        harness.now = moment
        await harness.work_once()
        assert len(await harness.outbox_messages()) == ended

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)


async def test_an_error_of_ours_that_passes_costs_nothing(harness: WriteHarness) -> None:
    harness.psa.faults = {"line 901": [ValueError("a bug")]}

    await harness.work_until_done()

    only_message(await harness.outbox_messages(), QuantityWritten)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PermanentError("no connector for halo"), WriteRefusal.REJECTED),
        (TransientError("auth is away"), WriteRefusal.EXPIRED),
        (ValueError("a bug"), WriteRefusal.REJECTED),
    ],
    ids=["unknown provider", "auth is away", "a bug"],
)
async def test_a_psa_that_can_never_be_opened_ends_the_write(
    harness: WriteHarness, error: Exception, reason: WriteRefusal
) -> None:
    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[FakePsa]:
        raise error
        yield harness.psa

    harness.connect = connect
    await harness.work_once()
    harness.now = VALID_UNTIL + MOMENT
    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (reason, False)
    assert str(error) in refused.detail


async def test_an_integration_that_never_becomes_known_lets_the_approval_expire(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    await harness.writes.receive([a_write()])

    await harness.work_until_done(rounds=200)

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert refused.reason is WriteRefusal.EXPIRED
    assert "int_1 is not known yet" in refused.detail


async def test_an_integration_that_is_disconnected_while_sending_leaves_the_outcome_unknown(
    harness: WriteHarness,
) -> None:
    harness.psa.write_faults = ["cut-before"]
    await harness.work_once()
    await harness.connect_integration(IntegrationStatus.DISCONNECTED, revision=2)

    await harness.work_until_done()

    refused = only_message(await harness.outbox_messages(), QuantityRefused)
    assert (refused.reason, refused.sent) == (WriteRefusal.UNKNOWN_OUTCOME, True)


@pytest.mark.parametrize(
    ("stage", "ends_at", "reason"),
    [
        ("waiting", VALID_UNTIL, WriteRefusal.REJECTED),
        ("sending", VALID_UNTIL + PATIENCE, WriteRefusal.UNKNOWN_OUTCOME),
    ],
)
async def test_a_stored_write_that_nobody_can_read_ends_too(
    harness: WriteHarness, stage: str, ends_at: Any, reason: WriteRefusal
) -> None:
    broken = {"$set": {"command.target": "many", "stage": stage}}
    await harness.mongo.documents("writes", "demo").change({"_id": "apr_1"}, broken)

    assert await ends_when_a_round_comes_by(harness, ends_at) == []
    (refused,) = await ends_when_a_round_comes_by(harness, ends_at + timedelta(minutes=2))

    assert isinstance(refused, QuantityRefused)
    assert (refused.reason, refused.approval_id, refused.line_id) == (reason, "apr_1", "901")
    await harness.writes.receive([a_write()])  # commanded again it is answered again
    assert await harness.outbox_messages() == [refused, refused]


async def ends_when_a_round_comes_by(harness: WriteHarness, at: Any) -> list[Message]:
    harness.now = at
    jobs = WriteJobs(harness.writes, harness.writer(), Leases(harness.mongo), Health("psa-sync"))
    await jobs.jobs[0].step()
    return await harness.outbox_messages()


@pytest.mark.parametrize("call", ["write 901", "reread 901"])
async def test_a_psa_that_takes_no_request_is_asked_less_and_less_often(
    harness: WriteHarness, call: str
) -> None:
    harness.psa.faults = {call: [TransientError("no connection")] * 8}
    pauses = []
    for _ in range(8):
        await harness.work_once()
        intent = await harness.writes.next_unfinished(LINE)
        assert intent
        pauses.append((intent.due_at - harness.now).total_seconds())
        harness.now = intent.due_at

    await harness.work_once()

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert only_message(await harness.outbox_messages(), QuantityWritten).sent
