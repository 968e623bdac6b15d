import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from provider_fakes import an_ingram

from auth.access.service import AccessService
from auth.credentials.connections import Connection
from auth.integrations.models import Integration
from auth.providers.models import UNTOLD, AccountIdentity, ProviderSession
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.errors import ConnectedAnew, CredentialsRejected, NotFound, TransientError

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class OneIntegration:
    """A store of one integration, in memory."""

    def __init__(self) -> None:
        self.integration = Integration.connect("demo", an_ingram(), previous=None, now=START)

    async def get(self, tenant_id: str, integration_id: str) -> Integration:
        if (tenant_id, integration_id) != (self.integration.tenant_id, self.integration.integration_id):
            raise NotFound(f"there is no integration {integration_id}")
        return self.integration

    async def list(self, tenant_id: str) -> Sequence[Integration]:
        return [self.integration] if tenant_id == self.integration.tenant_id else []

    async def apply(
        self, tenant_id: str, integration_id: str, transition: Callable[[Integration], Integration]
    ) -> Integration:
        self.integration = transition(await self.get(tenant_id, integration_id))
        return self.integration

    async def connect(
        self,
        tenant_id: str,
        connection: Connection,
        now: datetime,
        *,
        identity: AccountIdentity = UNTOLD,  # noqa: ARG002 (one integration, of one account)
        previous: Integration | None = None,  # noqa: ARG002
    ) -> Integration:
        self.integration = Integration.connect(tenant_id, connection, previous=self.integration, now=now)
        return self.integration

    async def credentials(self, integration: Integration) -> Connection:
        assert integration == self.integration
        return an_ingram()


class AccessEnv:
    """An access service, its clock and store, and a provider that gives token 1, 2, … or raises `failure`."""

    def __init__(self) -> None:
        self.store, self.clock = OneIntegration(), START
        self.previous_sessions: list[ProviderSession | None] = []
        self.failure: Exception | None = None
        self.access = AccessService(self.store, {"ingram-micro": self}, lambda: self.clock)

    async def check(self, connection: Connection) -> AccountIdentity:  # noqa: ARG002 (the protocol's)
        return UNTOLD

    async def recognises(self, connection: Connection, known_ids: Sequence[str]) -> bool:  # noqa: ARG002
        return True

    async def open_session(
        self,
        connection: Connection,  # noqa: ARG002 (the protocol's)
        previous: ProviderSession | None,
    ) -> ProviderSession:
        self.previous_sessions.append(previous)
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        headers = {"Authorization": f"Bearer {len(self.previous_sessions)}"}
        return ProviderSession("https://api.example", headers, timedelta(minutes=20))

    async def token(
        self,
        *,
        rejected_after: datetime | None = None,
        side: Side = Side.VENDOR,
        generation: int | None = None,
    ) -> str:
        """Asks for access for the generation, by default for that which the integration has."""
        integration = self.store.integration
        cached = await self.access.grant(
            side,
            "demo",
            integration.integration_id,
            generation=generation or integration.generation,
            rejected_after=rejected_after,
        )
        return cached.session.headers["Authorization"]


async def test_all_who_ask_at_once_share_one_sign_in() -> None:
    env = AccessEnv()

    tokens = await asyncio.gather(*(env.token() for _ in range(10)))

    assert set(tokens) == {"Bearer 1"}


async def test_access_is_handed_out_until_it_expires() -> None:
    env = AccessEnv()
    await env.token()

    env.clock += timedelta(minutes=19)
    before = await env.token()
    env.clock += timedelta(minutes=1)

    assert (before, await env.token()) == ("Bearer 1", "Bearer 2")


async def test_refused_access_is_replaced_once_for_all_that_used_it() -> None:
    env = AccessEnv()
    await env.token()
    env.clock += timedelta(seconds=1)

    tokens = await asyncio.gather(*(env.token(rejected_after=START) for _ in range(10)))

    assert set(tokens) == {"Bearer 2"}


async def test_an_expired_session_may_be_built_upon_unless_it_was_refused() -> None:
    env = AccessEnv()
    await env.token()
    env.clock += timedelta(minutes=20)
    await env.token()
    await env.token(rejected_after=env.clock)

    first, renewed, after_refusal = env.previous_sessions

    assert (first, after_refusal) == (None, None)
    assert renewed is not None


async def test_new_credentials_are_signed_in_with_at_once() -> None:
    env = AccessEnv()
    await env.token()

    await env.store.connect("demo", an_ingram(), env.clock)

    assert await env.token() == "Bearer 2"


async def test_who_works_for_former_credentials_gets_neither_these_nor_the_new_ones() -> None:
    env = AccessEnv()
    await env.token()
    former = env.store.integration.generation
    await env.store.connect("demo", an_ingram(), env.clock)
    present = env.store.integration.generation

    with pytest.raises(ConnectedAnew, match=f"its generation is {present}, not {former}"):
        await env.token(generation=former)

    assert await env.token(generation=present) == "Bearer 2"


async def test_access_for_a_generation_that_is_not_connected_yet_is_refused() -> None:
    env = AccessEnv()
    await env.token()
    later = env.store.integration.generation + 1

    with pytest.raises(ConnectedAnew, match=f"not {later}"):
        await env.token(generation=later)

    assert len(env.previous_sessions) == 1


async def test_refused_credentials_are_not_tried_again() -> None:
    env = AccessEnv()
    env.failure = CredentialsRejected("the marketplace refused to sign in")

    for _ in range(3):
        with pytest.raises(CredentialsRejected, match="the marketplace refused to sign in"):
            await env.token()

    assert len(env.previous_sessions) == 1
    assert env.store.integration.status is IntegrationStatus.ERROR


async def test_a_throttled_sign_in_leaves_everything_as_it_was() -> None:
    env = AccessEnv()
    env.failure = TransientError("later", retry_after=30)
    with pytest.raises(TransientError):
        await env.token()
    env.failure = None

    assert await env.token() == "Bearer 2"
    assert env.store.integration.status is IntegrationStatus.PENDING


@pytest.mark.parametrize("status", [IntegrationStatus.DISCONNECTED, IntegrationStatus.DISABLED])
async def test_there_is_no_access_to_what_is_not_connected(status: IntegrationStatus) -> None:
    env = AccessEnv()
    await env.token()
    env.store.integration = env.store.integration.model_copy(update={"status": status})

    with pytest.raises(NotFound, match=str(status)):
        await env.token()


async def test_a_service_gets_access_to_its_own_side_alone() -> None:
    env = AccessEnv()

    with pytest.raises(NotFound):
        await env.token(side=Side.PSA)

    assert env.previous_sessions == []
