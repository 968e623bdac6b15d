"""The settings of the console, from the environment."""

from shared.limits.streams import STREAMS_PER_PROCESS
from shared.runtime.settings import AuthSettings, RedisSettings, ServiceSettings


class Settings(ServiceSettings):
    """The console stores nothing: it calls auth, and reads the status channel."""

    auth: AuthSettings
    redis: RedisSettings
    events_at_once: int = STREAMS_PER_PROCESS.most
    """How many event streams a process holds open; one more is asked to come back later."""
