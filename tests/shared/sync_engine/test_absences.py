from collections.abc import Awaitable, Callable

import pytest
from run_env import (
    NOW,
    RecordingPublisher,
    RecordingStatusChannel,
    a_change_publisher,
    a_request,
    an_account,
    connected,
)

from shared.contracts.vendor_sync import VendorAccountObserved
from shared.errors import CredentialsRejected, NeighbourAway, TransientError
from shared.mongo import Mongo
from shared.runtime.leases import Leases
from shared.sync_engine.absences import confirm_absence, vanished
from shared.sync_engine.models import IntegrationState, ProviderUnreachable, run_of
from shared.sync_engine.progress import RunProgress
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.run_repository import TTL, ClaimedRun
from shared.sync_engine.stamp import Stamp


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


@pytest.fixture
async def context(mongo: Mongo, publisher: RecordingPublisher) -> RunContext:
    """A claimed run of an integration in which the accounts a, b and c were seen, and c is absent since."""
    run, lease = run_of(a_request(), NOW), await Leases(mongo).take("run", TTL)
    assert lease
    changes = a_change_publisher(mongo, publisher)
    revision = await changes.next_revision()
    a, b, c = (an_account(id_, name=f"Account {id_}", revision=revision) for id_ in "abc")
    await changes.publish([a, b, c.model_copy(update={"present": False})])
    publisher.messages.clear()
    claimed = ClaimedRun(run, IntegrationState.connected(connected()), lease)
    return RunContext(claimed, changes, RunProgress(RecordingStatusChannel(), run), lambda: NOW)


def observe(name: str, stamp: Stamp) -> VendorAccountObserved:
    return VendorAccountObserved(**stamp.fields, account_id="b", name=name, external_id=None, status="active")


def answering(name: str | None) -> Callable[[], Awaitable[str | None]]:
    async def read() -> str | None:
        return name

    return read


def raising(error: Exception) -> Callable[[], Awaitable[str | None]]:
    async def read() -> str | None:
        raise error

    return read


async def confirm(context: RunContext, read: Callable[[], Awaitable[str | None]]) -> None:
    (missing,) = await vanished(context, VendorAccountObserved, {"a"}, lambda account: account.account_id)
    await confirm_absence(context, missing, read, observe)


async def test_what_was_present_and_is_in_no_list_has_vanished(context: RunContext) -> None:
    missing = await vanished(context, VendorAccountObserved, {"a"}, lambda account: account.account_id)

    assert [account.account_id for account in missing] == ["b"]


async def test_nothing_is_absent_because_a_list_left_it_out(
    context: RunContext, publisher: RecordingPublisher
) -> None:
    await vanished(context, VendorAccountObserved, set(), lambda account: account.account_id)

    assert publisher.messages == []


async def test_what_the_provider_does_not_know_is_published_as_absent_with_what_it_held(
    context: RunContext, publisher: RecordingPublisher
) -> None:
    await confirm(context, answering(None))

    (absent,) = publisher.messages
    assert isinstance(absent, VendorAccountObserved)
    assert (absent.account_id, absent.present, absent.name) == ("b", False, "Account b")
    assert (absent.run_id, absent.observed_at) == (context.run.run_id, NOW)


async def test_what_is_there_all_the_same_is_published_as_it_was_read(
    context: RunContext, publisher: RecordingPublisher
) -> None:
    await confirm(context, answering("Account b renamed"))

    (present,) = publisher.messages
    assert isinstance(present, VendorAccountObserved)
    assert (present.account_id, present.present, present.name) == ("b", True, "Account b renamed")


async def test_the_revision_is_taken_before_the_read_that_it_stamps(
    context: RunContext, publisher: RecordingPublisher
) -> None:
    revisions: list[int] = []

    async def read() -> str | None:
        revisions.append(await context.publisher.next_revision())
        return None

    await confirm(context, read)

    (absent,) = publisher.messages
    assert isinstance(absent, VendorAccountObserved)
    assert absent.revision < revisions[0]


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (TransientError("503"), ProviderUnreachable),
        (NeighbourAway("auth does not answer"), NeighbourAway),
        (CredentialsRejected("401"), CredentialsRejected),
    ],
    ids=["the-provider-is-away", "a-service-of-ours-is-away", "refused"],
)
async def test_a_read_that_fails_makes_nothing_absent(
    context: RunContext, publisher: RecordingPublisher, error: Exception, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        await confirm(context, raising(error))

    assert publisher.messages == []
