"""Reads the sandbox's settings from the environment; a wrong value ends the process with one line."""

import sys
from typing import Self

from pydantic import Field, FilePath, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

BAD_SETTING = 2
"""Exit code of a process that was started with a missing or wrong setting."""


class Settings(BaseSettings):
    """One variable for each field: SANDBOX__PORT, SANDBOX__SEED and so on."""

    model_config = SettingsConfigDict(env_prefix="SANDBOX__", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    seed: int = Field(default=1, ge=0)
    subscriptions: int = Field(default=0, ge=0)
    """How many subscriptions to generate in addition to the story, for benchmarks."""
    tls_cert: FilePath | None = None
    tls_key: FilePath | None = None
    token_life_seconds: int = Field(default=1500, ge=1)

    @model_validator(mode="after")
    def _certificate_with_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("SANDBOX__TLS_CERT and SANDBOX__TLS_KEY are set together or not at all")
        return self


def load() -> Settings:
    """Read the environment; on a bad value print all complaints in one line and exit with code 2."""
    try:
        return Settings()
    except ValidationError as error:
        # A complaint of the whole model has no location: its message names the variables itself.
        complaints = [
            f"SANDBOX__{str(item['loc'][0]).upper()}: {item['msg']}" if item["loc"] else item["msg"]
            for item in error.errors()
        ]
        print("; ".join(complaints), file=sys.stderr)
        sys.exit(BAD_SETTING)
