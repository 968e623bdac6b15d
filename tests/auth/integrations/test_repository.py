import asyncio
from datetime import UTC, datetime

import pytest
from auth_env import a_repository, outbox_messages
from provider_fakes import CANARIES, a_connectwise, an_ingram

from shared.contracts.auth import IntegrationChanged, IntegrationConnected, IntegrationStatus
from shared.errors import NotFound
from shared.mongo import Mongo

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32


async def test_a_connection_is_saved_with_its_credential_and_both_events(mongo: Mongo) -> None:
    store = a_repository(mongo)

    saved = await store.connect("demo", an_ingram(), NOW)

    assert await store.get("demo", saved.integration_id) == saved
    assert await store.credentials(saved) == an_ingram()
    assert await outbox_messages(mongo, IntegrationConnected) == [saved.connected_event()]
    assert await outbox_messages(mongo, IntegrationChanged) == [saved.changed_event()]


async def test_connecting_again_replaces_the_credential(mongo: Mongo) -> None:
    store = a_repository(mongo)
    first = await store.connect("demo", an_ingram(), NOW)

    second = await store.connect("demo", an_ingram(password="canary-password-2"), NOW)

    assert second.integration_id == first.integration_id
    assert second.generation > first.generation
    assert (await store.credentials(second)).secrets[1] == "canary-password-2"
    with pytest.raises(NotFound):
        await store.credentials(first)


async def test_two_who_connect_at_once_make_two_generations(mongo: Mongo) -> None:
    store = a_repository(mongo)
    first = await store.connect("demo", an_ingram(), NOW)

    both = await asyncio.gather(*(store.connect("demo", an_ingram(), NOW) for _ in range(2)))

    generations = sorted(integration.generation for integration in both)
    assert first.generation < generations[0] < generations[1]
    announced = [event.generation for event in await outbox_messages(mongo, IntegrationConnected)]
    assert announced == [first.generation, *generations]


async def test_disconnecting_destroys_the_credential_and_publishes_the_status(mongo: Mongo) -> None:
    store = a_repository(mongo)
    saved = await store.connect("demo", an_ingram(), NOW)

    disconnected = await store.apply(
        "demo", saved.integration_id, lambda integration: integration.disconnect(NOW)
    )

    assert await mongo.all_tenants("credentials").count() == 0
    assert (await outbox_messages(mongo, IntegrationChanged))[-1] == disconnected.changed_event()
    assert (await store.get("demo", saved.integration_id)).status is IntegrationStatus.DISCONNECTED


async def test_a_transition_that_changes_nothing_publishes_nothing(mongo: Mongo) -> None:
    store = a_repository(mongo)
    saved = await store.connect("demo", an_ingram(), NOW)

    await store.apply("demo", saved.integration_id, lambda integration: integration.reject(7, "no", NOW))

    assert await outbox_messages(mongo, IntegrationChanged) == [saved.changed_event()]


async def test_another_tenants_integration_is_not_there(mongo: Mongo) -> None:
    store = a_repository(mongo)
    saved = await store.connect("demo", an_ingram(), NOW)

    assert await store.list("other") == []
    with pytest.raises(NotFound):
        await store.get("other", saved.integration_id)
    with pytest.raises(NotFound):
        await store.apply("other", saved.integration_id, lambda integration: integration.disconnect(NOW))


async def test_no_secret_is_stored_as_it_was_typed(mongo: Mongo) -> None:
    store = a_repository(mongo)
    await store.connect("demo", an_ingram(), NOW)
    await store.connect("demo", a_connectwise(), NOW)

    stored = [await mongo.all_tenants(name).find() for name in ("integrations", "credentials", "outbox")]

    assert not [canary for canary in CANARIES if canary in repr(stored)]


async def test_rewrapping_moves_every_credential_and_keeps_it_readable(mongo: Mongo) -> None:
    saved = await a_repository(mongo, k1=OLD).connect("demo", an_ingram(), NOW)

    more = await a_repository(mongo, k1=OLD, k2=NEW).rewrap_batch()

    assert not more
    assert await mongo.all_tenants("credentials").distinct("sealed.kid") == ["k2"]
    assert await a_repository(mongo, k2=NEW).credentials(saved) == an_ingram()
