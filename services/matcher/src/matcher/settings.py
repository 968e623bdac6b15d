"""What matcher needs to be told."""

from shared.runtime.settings import AuthSettings, KafkaSettings, MongoSettings, ServiceSettings


class OwnDatabase(MongoSettings):
    """Named like the service unless told otherwise."""

    database: str = "matcher"


class Settings(ServiceSettings):
    """From the environment; nothing here has a default that could be somebody else's."""

    kafka: KafkaSettings
    mongo: OwnDatabase
    auth: AuthSettings
