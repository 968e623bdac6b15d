"""What the console needs."""

from shared.runtime.settings import AuthSettings, RedisSettings, ServiceSettings


class Settings(ServiceSettings):
    """The console keeps nothing: it asks auth, and reads the status channel."""

    auth: AuthSettings
    redis: RedisSettings
    events_at_once: int = 200
    """Open event streams per process; one more is told to come back."""
