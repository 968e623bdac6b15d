"""What matcher reads from its environment."""

from shared.runtime.settings import (
    AuthSettings,
    KafkaSettings,
    MongoSettings,
    RedisSettings,
    ServiceSettings,
)


class _Database(MongoSettings):
    """The document store; its database is called like the service by default."""

    database: str = "matcher"


class Settings(ServiceSettings):
    """Addresses of the servers and of auth: none has a default, which could be another installation's."""

    kafka: KafkaSettings
    mongo: _Database
    redis: RedisSettings
    auth: AuthSettings
