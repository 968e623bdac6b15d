import json
from datetime import UTC, datetime, timedelta

import pytest
from run_env import a_request, connected

from shared.contracts.base import Outcome, Side
from shared.contracts.run_end import UnreadAccount
from shared.contracts.vendor_sync import VendorAccountObserved, VendorCredentialsRejected, VendorRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.clock import Clock, utc_now
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.reports import RunEnding, RunTally
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import RunRepository
from shared.undeliverable import message_of


def make_runs(mongo: Mongo, *, clock: Clock = utc_now) -> RunRepository:
    message_types = MessageTypes(VendorRunFinished, VendorCredentialsRejected, (VendorAccountObserved,))
    integrations = IntegrationStates(mongo, Side.VENDOR)
    return RunRepository(mongo, integrations, Outbox(mongo, "vendor-sync"), message_types, clock=clock)


@pytest.fixture
async def runs(mongo: Mongo) -> RunRepository:
    await IntegrationStates(mongo, Side.VENDOR).on_connected(connected())
    return make_runs(mongo)


async def test_a_run_whose_report_kafka_never_takes_ends_as_failed_and_reports_shortly(
    mongo: Mongo, runs: RunRepository
) -> None:
    await runs.queue(a_request())
    run = await runs.claim()
    assert run is not None
    await runs.finish(run, RunEnding(Outcome.COMPLETE, tally=RunTally(counts={"accounts": 3})))
    (row,) = await mongo.all_tenants("outbox").find()
    finished = VendorRunFinished.model_validate_json(row["body"])

    messages = await runs.endings.end_undeliverable(finished, "it is too large")
    assert messages is not None
    (short,) = messages
    again = await runs.endings.end_undeliverable(finished, "it is too large")

    assert isinstance(short, VendorRunFinished)
    assert (short.outcome, short.counts, short.run_id) == (Outcome.FAILED, {}, finished.run_id)
    assert short.reason == "what it read could not be reported: it is too large"
    assert again == [short]
    (stored,) = await mongo.all_tenants("runs").find()
    assert (stored["state"], stored["reason"]) == ("failed", short.reason)


async def test_a_report_names_the_first_exceptions_and_accounts_and_counts_the_other_exceptions(
    mongo: Mongo, runs: RunRepository
) -> None:
    await runs.queue(a_request())
    run = await runs.claim()
    assert run is not None
    tally = RunTally(
        exceptions=tuple(f"thing {n} is odd" for n in range(250)),
        unread_accounts=tuple(UnreadAccount(account_id=f"a{n}", reason="away") for n in range(250)),
    )

    await runs.finish(run, RunEnding(Outcome.PARTIAL, "away", tally))

    (row,) = await mongo.all_tenants("outbox").find()
    finished = VendorRunFinished.model_validate_json(row["body"])
    assert len(finished.exceptions) == 201
    assert finished.exceptions[-2:] == ("thing 199 is odd", "and 50 more")
    assert [account.account_id for account in finished.unread_accounts] == [f"a{n}" for n in range(200)]


async def test_a_report_that_an_older_build_left_with_megabytes_of_reason_ends_its_run_too(
    mongo: Mongo, runs: RunRepository
) -> None:
    await runs.queue(a_request())
    run = await runs.claim()
    assert run is not None
    await runs.finish(run, RunEnding(Outcome.PARTIAL, "one account was refused"))
    (row,) = await mongo.all_tenants("outbox").find()
    body = json.loads(row["body"]) | {"reason": "x" * 3_000_000}

    finished = message_of(row | {"body": json.dumps(body).encode()})

    assert finished is not None
    assert await runs.endings.end_undeliverable(finished, "it is too large") is not None
    (stored,) = await mongo.all_tenants("runs").find()
    assert stored["state"] == "failed"


async def test_another_message_that_kafka_never_takes_ends_no_run(mongo: Mongo, runs: RunRepository) -> None:
    await runs.queue(a_request())
    run = await runs.claim()
    assert run is not None
    rejected = VendorCredentialsRejected(
        tenant_id="demo", integration_id=run.run.integration_id, generation=1, refused="no"
    )

    assert await runs.endings.end_undeliverable(rejected, "it is too large") is None
    (stored,) = await mongo.all_tenants("runs").find()
    assert stored["state"] == "running"


async def test_a_request_for_an_integration_that_stays_unknown_fails_and_says_so(mongo: Mongo) -> None:
    queued_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    await make_runs(mongo, clock=lambda: queued_at).queue(a_request())

    assert await make_runs(mongo, clock=lambda: queued_at + timedelta(minutes=59)).claim() is None
    assert await mongo.all_tenants("outbox").find() == []
    for _ in range(2):
        assert await make_runs(mongo, clock=lambda: queued_at + timedelta(minutes=61)).claim() is None

    (row,) = await mongo.all_tenants("outbox").find()
    told = json.loads(bytes(row["body"]))
    assert (told["sync_id"], told["outcome"]) == ("s1", "failed")
    assert (
        told["reason"]
        == f"no integration {a_request().integration_id} is known here: connect it, then sync again"
    )
