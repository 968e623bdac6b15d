import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from interleaving import InterleavedMongo
from run_env import (
    NOW,
    FakeLease,
    RecordingPublisher,
    RecordingStatusChannel,
    a_change_publisher,
    a_request,
    an_empty_manifest,
    connected,
    kafka_away,
)

from shared.contracts.base import Outcome, Side
from shared.contracts.vendor_sync import (
    VendorAccountRead,
    VendorCredentialsRejected,
    VendorRunFinished,
)
from shared.errors import TransientError
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import LeaseLost
from shared.sync_engine.account_manifest import ItemRecord
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.manifest_publisher import ManifestPublisher
from shared.sync_engine.progress import RunProgress
from shared.sync_engine.reports import RunEnding
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.run_endings import MessageTypes
from shared.sync_engine.run_repository import RunRepository

MESSAGE_TYPES = MessageTypes(VendorRunFinished, VendorCredentialsRejected, ())


@pytest.fixture
async def runs(mongo: Mongo) -> RunRepository:
    integrations = IntegrationStates(mongo, Side.VENDOR)
    await integrations.on_connected(connected())
    return RunRepository(mongo, integrations, Outbox(mongo, "vendor-sync"), MESSAGE_TYPES)


@pytest.fixture
def kafka() -> RecordingPublisher:
    return RecordingPublisher()


async def a_context(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher, sync_id: str = "s1"
) -> RunContext:
    """Claims a run; what it publishes goes to `kafka`."""
    await runs.queue(a_request(sync_id))
    claimed = await runs.claim()
    assert claimed is not None
    changes = a_change_publisher(mongo, kafka, FakeLease())
    return RunContext(claimed, changes, RunProgress(RecordingStatusChannel(), claimed.run), lambda: NOW)


def published(kafka: RecordingPublisher) -> list[tuple[str, int]]:
    """Account and number of each manifest, in order."""
    return [(one.account_id, one.nth) for one in kafka.messages if isinstance(one, VendorAccountRead)]


async def test_manifests_are_published_under_a_revision_behind_all_that_was_read(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context, manifests = await a_context(mongo, runs, kafka), ManifestPublisher(mongo, VendorAccountRead)
    read = await context.publisher.next_revision()

    revision = await manifests.publish(context, [an_empty_manifest("a"), an_empty_manifest("b")])

    assert published(kafka) == [("a", 1), ("b", 1)]
    assert {message.revision for message in kafka.messages if isinstance(message, VendorAccountRead)} == {
        revision
    }
    assert revision > read
    assert await manifests.records.revisions(context.run) == {"a": revision, "b": revision}


async def test_the_manifests_of_one_run_are_counted_by_account(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context, manifests = await a_context(mongo, runs, kafka), ManifestPublisher(mongo, VendorAccountRead)
    for _ in range(2):
        await manifests.publish(context, [an_empty_manifest("a")])
    await manifests.publish(context, [an_empty_manifest("b")])
    assert await manifests.records.of_run(context.run) == {"a": 2, "b": 1}
    await runs.finish(context.claimed, RunEnding(Outcome.COMPLETE))
    (row,) = await mongo.all_tenants("outbox").find()
    assert VendorRunFinished.model_validate_json(row["body"]).manifests == 3

    await context.claimed.lease.release()
    later = await a_context(mongo, runs, kafka, "s2")
    await manifests.publish(later, [an_empty_manifest("a")])

    assert published(kafka) == [("a", 1), ("a", 2), ("b", 1), ("a", 1)]
    assert await manifests.records.of_run(later.run) == {"a": 1}
    assert await manifests.records.account_ids(later.run) == {"a", "b"}


async def test_what_the_next_manifest_needs_is_remembered_as_it_was(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context, manifests = await a_context(mongo, runs, kafka), ManifestPublisher(mongo, VendorAccountRead)
    items = {
        "svc.1$": ItemRecord(20),
        "svc_2": ItemRecord(30, ended=2, last_ended_at=NOW - timedelta(days=1)),
    }

    revision = await manifests.publish(context, [replace(an_empty_manifest("a"), records=items)])

    (record,) = (await manifests.records.get_many(context.run, ["a", "never seen"])).values()
    assert (record.account_id, record.run_id, record.nth) == ("a", context.run.run_id, 1)
    assert (record.revision, record.items) == (revision, items)


async def test_what_kafka_did_not_take_is_not_remembered(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    kafka.before = kafka_away
    context, manifests = await a_context(mongo, runs, kafka), ManifestPublisher(mongo, VendorAccountRead)

    with pytest.raises(TransientError):
        await manifests.publish(context, [an_empty_manifest("a")])

    assert await manifests.records.of_run(context.run) == {}


async def test_a_worker_killed_between_publishing_and_recording_leaves_the_same_number_to_the_next(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context = await a_context(mongo, runs, kafka)
    await ManifestPublisher(mongo, VendorAccountRead).publish(context, [an_empty_manifest("a")])
    killed = asyncio.Event()

    async def kill() -> None:
        killed.set()
        await asyncio.Event().wait()

    store = InterleavedMongo(mongo, "manifests.bulk_write", kill)
    going = asyncio.ensure_future(
        ManifestPublisher(store, VendorAccountRead).publish(context, [an_empty_manifest("a")])
    )
    await killed.wait()
    going.cancel()
    await asyncio.wait([going])
    assert published(kafka) == [("a", 1), ("a", 2)]

    await ManifestPublisher(mongo, VendorAccountRead).publish(context, [an_empty_manifest("a")])

    assert published(kafka) == [("a", 1), ("a", 2), ("a", 2)]
    revisions = [message.revision for message in kafka.messages if isinstance(message, VendorAccountRead)]
    assert revisions == sorted(set(revisions))


async def test_a_worker_that_was_succeeded_records_nothing(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context, manifests = await a_context(mongo, runs, kafka), ManifestPublisher(mongo, VendorAccountRead)
    await mongo.all_tenants("runs").change({}, {"$set": {"token": "another's"}})

    with pytest.raises(LeaseLost):
        await manifests.publish(context, [an_empty_manifest("a")])

    assert await manifests.records.account_ids(context.run) == set()


async def test_nothing_is_published_behind_the_leases_deadline(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context = await a_context(mongo, runs, kafka)
    context.publisher = a_change_publisher(mongo, kafka, FakeLease(0.0))

    with pytest.raises(LeaseLost):
        await ManifestPublisher(mongo, VendorAccountRead).publish(context, [an_empty_manifest("a")])

    assert kafka.messages == []


async def test_no_manifests_take_no_revision(
    mongo: Mongo, runs: RunRepository, kafka: RecordingPublisher
) -> None:
    context = await a_context(mongo, runs, kafka)

    assert await ManifestPublisher(mongo, VendorAccountRead).publish(context, []) == 0
    assert kafka.calls == []
