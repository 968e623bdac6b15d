"""The settings of psa-sync."""

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
