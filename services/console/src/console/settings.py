"""The settings of the console, from the environment."""

from typing import Self

from pydantic import model_validator

from shared.limits.streams import STREAMS_PER_PROCESS
from shared.runtime.settings import AuthSettings, RedisSettings, ServiceSettings

_STREAM_PARTS, _CONNECTION_PARTS = 4, 5
"""Event streams may take four of five connections; the others are for pages."""


class Settings(ServiceSettings):
    """The console stores nothing: it calls auth, and reads the status channel."""

    auth: AuthSettings
    redis: RedisSettings
    events_at_once: int = STREAMS_PER_PROCESS.most
    """How many event streams a process holds open; one more is asked to come back later."""

    @model_validator(mode="after")
    def _streams_leave_connections_for_pages(self) -> Self:
        streams, connections = self.events_at_once, self.http.connections
        if streams * _CONNECTION_PARTS > connections * _STREAM_PARTS:
            raise ValueError(
                f"EVENTS_AT_ONCE={streams} leaves too few of HTTP__CONNECTIONS={connections} for pages: "
                f"set EVENTS_AT_ONCE to at most {connections * _STREAM_PARTS // _CONNECTION_PARTS}, "
                f"or HTTP__CONNECTIONS to at least {-(-streams * _CONNECTION_PARTS // _STREAM_PARTS)}"
            )
        return self
