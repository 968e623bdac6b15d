import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from provider_fakes import an_ingram

from auth.access.models import ProviderSession
from auth.access.service import AccessService
from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import CredentialsRejected, NotFound, TransientError

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Store:
    """One integration in memory."""

    def __init__(self) -> None:
        self.one = Integration.connected("demo", an_ingram(), before=None, now=START)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        if (tenant_id, integration_id) != (self.one.tenant_id, self.one.integration_id):
            raise NotFound(f"there is no integration {integration_id}")
        return self.one

    async def every(self, tenant_id: str) -> list[Integration]:
        return [self.one] if tenant_id == self.one.tenant_id else []

    async def move(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration:
        self.one = transition(await self.get(tenant_id, integration_id))
        return self.one

    async def connect(self, tenant_id: str, connection: Connection, now: datetime) -> Integration:
        self.one = Integration.connected(tenant_id, connection, before=self.one, now=now)
        return self.one

    async def credentials(self, integration: Integration) -> Connection:
        assert integration == self.one
        return an_ingram()


class World:
    """The clock, the store, and a provider that gives token 1, 2, … or what it is told to raise."""

    def __init__(self) -> None:
        self.store, self.clock = Store(), START
        self.signed_in: list[ProviderSession | None] = []
        self.raises: Exception | None = None
        self.granting = AccessService(self.store, {"ingram-micro": self}, lambda: self.clock)

    async def check(self, connection: Connection) -> None: ...

    async def open(self, connection: Connection, known: ProviderSession | None) -> ProviderSession:  # noqa: ARG002 (the protocol's)
        self.signed_in.append(known)
        await asyncio.sleep(0)
        if self.raises:
            raise self.raises
        headers = {"Authorization": f"Bearer {len(self.signed_in)}"}
        return ProviderSession("https://api.example", headers, timedelta(minutes=20))

    async def token(self, *, rejected_after: datetime | None = None, side: Side = Side.VENDOR) -> str:
        one = self.store.one.integration_id
        grant = await self.granting.access(side, "demo", one, rejected_after=rejected_after)
        return grant.opening.headers["Authorization"]


async def test_all_who_ask_at_once_share_one_sign_in() -> None:
    world = World()

    tokens = await asyncio.gather(*(world.token() for _ in range(10)))

    assert set(tokens) == {"Bearer 1"}


async def test_access_is_handed_out_until_it_expires() -> None:
    world = World()
    await world.token()

    world.clock += timedelta(minutes=19)
    before = await world.token()
    world.clock += timedelta(minutes=1)

    assert (before, await world.token()) == ("Bearer 1", "Bearer 2")


async def test_refused_access_is_replaced_once_for_all_that_used_it() -> None:
    world = World()
    await world.token()
    world.clock += timedelta(seconds=1)

    tokens = await asyncio.gather(*(world.token(rejected_after=START) for _ in range(10)))

    assert set(tokens) == {"Bearer 2"}


async def test_what_is_known_may_be_built_upon_unless_it_was_refused() -> None:
    world = World()
    await world.token()
    world.clock += timedelta(minutes=20)
    await world.token()
    await world.token(rejected_after=world.clock)

    first, renewed, after_refusal = world.signed_in

    assert (first, after_refusal) == (None, None)
    assert renewed is not None


async def test_new_credentials_are_signed_in_with_at_once() -> None:
    world = World()
    await world.token()

    await world.store.connect("demo", an_ingram(), world.clock)

    assert await world.token() == "Bearer 2"


async def test_refused_credentials_are_not_tried_again() -> None:
    world = World()
    world.raises = CredentialsRejected("the marketplace refused to sign in")

    for _ in range(3):
        with pytest.raises(CredentialsRejected, match="the marketplace refused to sign in"):
            await world.token()

    assert len(world.signed_in) == 1
    assert world.store.one.status is IntegrationStatus.ERROR


async def test_a_throttled_sign_in_leaves_everything_as_it_was() -> None:
    world = World()
    world.raises = TransientError("later", retry_after=30)
    with pytest.raises(TransientError):
        await world.token()
    world.raises = None

    assert await world.token() == "Bearer 2"
    assert world.store.one.status is IntegrationStatus.PENDING


@pytest.mark.parametrize("status", [IntegrationStatus.DISCONNECTED, IntegrationStatus.DISABLED])
async def test_there_is_no_access_to_what_is_not_connected(status: IntegrationStatus) -> None:
    world = World()
    await world.token()
    world.store.one = world.store.one.model_copy(update={"status": status})

    with pytest.raises(NotFound, match=str(status)):
        await world.token()


async def test_a_service_gets_access_to_its_own_side_alone() -> None:
    world = World()

    with pytest.raises(NotFound):
        await world.token(side=Side.PSA)

    assert world.signed_in == []
