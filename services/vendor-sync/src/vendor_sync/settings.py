"""The settings of vendor-sync."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from shared.http_client.rate_limit import RateLimitSettings
from shared.runtime.settings import (
    KafkaSettings,
    MongoSettings,
    OutboundSettings,
    RedisSettings,
    ServiceAuthSettings,
    ServiceSettings,
)
from vendor_sync.runs.account_collect import RENEWALS_LISTED_WITHIN


class _Database(MongoSettings):
    """The database is named like the service unless the environment names another."""

    database: str = "vendor-sync"


class Settings(ServiceSettings):
    """Read from the environment; no address and no secret has a default."""

    kafka: KafkaSettings
    mongo: _Database
    redis: RedisSettings
    auth: ServiceAuthSettings
    outbound: OutboundSettings = OutboundSettings()
    budget: RateLimitSettings = RateLimitSettings()
    renewals_listed_within: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=7))] = (
        RENEWALS_LISTED_WITHIN
    )
    """How long lists may fail to show the new id of a renewal; what ended counts as ended that much later."""
