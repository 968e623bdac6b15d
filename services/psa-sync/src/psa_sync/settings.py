"""The settings of psa-sync."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from psa_sync.writes.intent import LONGEST_REQUEST_LIFE
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
    request_life: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=timedelta(hours=1))] = (
        LONGEST_REQUEST_LIFE
    )
    """How long a write that got no answer may still arrive at the PSA; until then its line takes no other."""
