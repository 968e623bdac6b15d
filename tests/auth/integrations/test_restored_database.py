"""Auth's database was restored to an older state: what it had told since is followed, and nothing repeats."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from auth_env import a_repository, outbox_messages
from provider_fakes import an_ingram

from auth.integrations.models import Integration
from auth.integrations.service import IntegrationService
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.matcher import MappingFinished
from shared.errors import NotFound
from shared.mongo import Document, Mongo, Put

KEPT = ("integrations", "credentials")


@dataclass
class AuthWithBackup:
    """Auth whose clock is moved by hand."""

    mongo: Mongo
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    copy: dict[str, list[Document]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = a_repository(self.mongo)
        self.service = IntegrationService(self.store, {}, lambda: self.now)

    async def connect(self) -> Integration:
        self.now += timedelta(minutes=1)
        return await self.store.connect("demo", an_ingram(), self.now)

    async def back_up(self) -> None:
        self.copy = {name: await self.mongo.all_tenants(name).find() for name in KEPT}

    async def restore(self) -> None:
        for name, rows in self.copy.items():
            await self.mongo.all_tenants(name).remove({})
            await self.mongo.all_tenants(name).bulk([Put(row) for row in rows])

    async def hear_own_news(self) -> None:
        """Hands over all that auth has ever told, as its consumer reads again after a restore."""
        for told in await self.told():
            await self.service.catch_up(told)

    async def told(self) -> list[IntegrationChanged]:
        return await outbox_messages(self.mongo, IntegrationChanged)


@pytest.fixture
def auth(mongo: Mongo) -> AuthWithBackup:
    return AuthWithBackup(mongo)


async def test_no_generation_is_given_twice_after_a_restore(auth: AuthWithBackup) -> None:
    await auth.connect()
    await auth.back_up()
    lost = await auth.connect()
    await auth.restore()

    again = await auth.connect()

    assert again.generation > lost.generation
    assert again.revision > lost.revision


async def test_an_integration_that_is_connected_for_the_first_time_once_more_is_a_later_generation(
    auth: AuthWithBackup,
) -> None:
    await auth.back_up()
    lost = await auth.connect()
    await auth.restore()

    again = await auth.connect()

    assert again.integration_id == lost.integration_id
    assert again.generation > lost.generation


async def test_a_connection_whose_credentials_were_lost_asks_to_be_connected_again(
    auth: AuthWithBackup,
) -> None:
    first = await auth.connect()
    await auth.back_up()
    lost = await auth.connect()
    await auth.restore()

    await auth.hear_own_news()

    now = await auth.store.get("demo", first.integration_id)
    assert (now.status, now.generation) == (IntegrationStatus.ERROR, lost.generation)
    assert now.reason is not None
    assert "connect it again" in now.reason
    assert (await auth.told())[-1] == now.changed_event()
    assert now.revision > lost.revision
    with pytest.raises(NotFound):
        await auth.store.credentials(now)


@pytest.mark.parametrize("ended", [True, False])
async def test_what_auth_decides_before_it_has_heard_its_own_news_hides_no_later_connection(
    auth: AuthWithBackup, *, ended: bool
) -> None:
    first = await auth.connect()
    await auth.back_up()
    lost = await auth.connect()
    told = await auth.told()
    await auth.restore()
    auth.now += timedelta(hours=1)
    if ended:
        await auth.service.disconnect("demo", first.integration_id)
    else:
        await auth.service.activate(_finished(first.integration_id))

    for one in told:
        await auth.service.catch_up(one)

    now = await auth.store.get("demo", first.integration_id)
    assert now.generation == lost.generation
    assert now.status is (IntegrationStatus.DISCONNECTED if ended else IntegrationStatus.ERROR)


async def test_what_was_disconnected_stays_disconnected_and_has_no_credentials(auth: AuthWithBackup) -> None:
    first = await auth.connect()
    await auth.back_up()
    await auth.service.disconnect("demo", first.integration_id)
    await auth.restore()

    await auth.hear_own_news()

    now = await auth.store.get("demo", first.integration_id)
    assert now.status is IntegrationStatus.DISCONNECTED
    with pytest.raises(NotFound):
        await auth.store.credentials(now)


async def test_what_was_active_is_active_and_stays_mapped(auth: AuthWithBackup) -> None:
    first = await auth.connect()
    await auth.back_up()
    await auth.service.activate(_finished(first.integration_id))
    await auth.restore()

    await auth.hear_own_news()

    now = await auth.store.get("demo", first.integration_id)
    assert (now.status, now.mapped) == (IntegrationStatus.ACTIVE, True)
    assert await auth.store.credentials(now) == an_ingram()


async def test_nothing_changes_while_auth_hears_what_it_knows(auth: AuthWithBackup) -> None:
    await auth.connect()
    await auth.connect()
    told = await auth.told()

    await auth.hear_own_news()

    assert await auth.told() == told


async def test_news_of_what_auth_does_not_know_any_more_connects_nothing(auth: AuthWithBackup) -> None:
    await auth.back_up()
    await auth.connect()
    await auth.restore()

    await auth.hear_own_news()

    assert await auth.store.list("demo") == []


def _finished(integration_id: str) -> MappingFinished:
    return MappingFinished(
        tenant_id="demo",
        vendor_integration_id=integration_id,
        psa_integration_id="int_psa",
        finish_id="fin_1",
        counts={},
        finished_by="ann",
        finished_at=datetime(2026, 3, 1, 13, tzinfo=UTC),
    )
