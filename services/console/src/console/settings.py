"""The settings of the console, from the environment."""

from shared.runtime.settings import AuthSettings, RedisSettings, ServiceSettings


class Settings(ServiceSettings):
    """The console stores nothing: it calls auth, and reads the status channel."""

    auth: AuthSettings
    redis: RedisSettings
    events_at_once: int = 200
    """How many event streams a process holds open; one more is asked to come back later."""
