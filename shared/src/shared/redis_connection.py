"""How a service reaches Redis for what may be lost: the status channel and the news."""

from datetime import timedelta

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.runtime.settings import RedisSettings

_REDIS_TIMEOUT = timedelta(seconds=5)


def connect_redis(settings: RedisSettings) -> Redis:
    """Returns a client; it connects when it is first used, and once more when a connection was cut."""
    client: Redis = Redis.from_url(
        settings.url.get_secret_value(),
        decode_responses=True,
        encoding_errors="replace",
        # Once, for a connection of the pool that was cut while nobody used it.
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        socket_timeout=_REDIS_TIMEOUT.total_seconds(),
        socket_connect_timeout=_REDIS_TIMEOUT.total_seconds(),
    )
    return client
