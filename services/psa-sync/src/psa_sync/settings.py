"""What psa-sync needs to be told."""

from shared.runtime.settings import (
    KafkaSettings,
    MongoSettings,
    OutboundSettings,
    RedisSettings,
    ServiceAuthSettings,
    ServiceSettings,
)


class _Database(MongoSettings):
    """Named like the service unless told otherwise."""

    database: str = "psa-sync"


class Settings(ServiceSettings):
    """Read from the environment; nothing here has a default that could be somebody else's."""

    kafka: KafkaSettings
    mongo: _Database
    redis: RedisSettings
    auth: ServiceAuthSettings
    outbound: OutboundSettings = OutboundSettings()
