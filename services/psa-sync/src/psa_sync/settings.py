"""The settings of psa-sync."""

from shared.http_client.rate_limit import RateLimitSettings
from shared.runtime.settings import (
    KafkaSettings,
    MongoSettings,
    OutboundSettings,
    RedisSettings,
    ServiceAuthSettings,
    ServiceSettings,
)


class _Database(MongoSettings):
    """The database is named like the service unless the environment names another."""

    database: str = "psa-sync"


class Settings(ServiceSettings):
    """Read from the environment; no address and no secret has a default."""

    kafka: KafkaSettings
    mongo: _Database
    redis: RedisSettings
    auth: ServiceAuthSettings
    outbound: OutboundSettings = OutboundSettings()
    budget: RateLimitSettings = RateLimitSettings(per_minute=540, burst=10)
    """At most 550 calls in any minute: above 600 a PSA starts to refuse (psa-apis §8 no. 1)."""
