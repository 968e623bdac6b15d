"""Settings from the environment or from secret files, and one clear line when one is missing."""

import sys
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

S = TypeVar("S", bound=BaseSettings)


class SettingsBlock(BaseModel):
    """A group of settings that share a prefix."""

    model_config = ConfigDict(frozen=True)


class KafkaSettings(SettingsBlock):
    """Where Kafka is: `host:port[,host:port]`."""

    servers: str


class MongoSettings(SettingsBlock):
    """Where this service's own database is."""

    url: SecretStr
    database: str


class RedisSettings(SettingsBlock):
    """Where the status channel and the shared call budget live."""

    url: SecretStr


class HttpSettings(SettingsBlock):
    """Where this service listens."""

    host: str = "127.0.0.1"
    port: int = 8000


class AuthSettings(SettingsBlock):
    """Where people's tokens come from, and what they must say."""

    url: str
    issuer: str = "trueup"


class ServiceAuthSettings(AuthSettings):
    """How a service proves to auth that it may ask for access."""

    service_token: SecretStr


class OutboundSettings(SettingsBlock):
    """Which exact origins are exempt from the rule of https and public addresses only."""

    allowed_origins: tuple[str, ...] = ()


class ServiceSettings(BaseSettings):
    """What every service has.

    Secrets may lie in files, as container engines do it: one for each variable and named like it; the
    variable wins.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        env_nested_delimiter="__",
        extra="ignore",
        secrets_dir="/run/secrets",
        secrets_dir_missing="ok",
    )

    http: HttpSettings = HttpSettings()
    log_level: str = "INFO"

    @classmethod
    def settings_customise_sources(  # noqa: PLR0917 (the signature is the base class's)
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (pydantic's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The usual order; the usual reader of secret files knows no nested names such as MONGO__URL."""
        secret_files = NestedSecretsSettingsSource(file_secret_settings)
        return init_settings, env_settings, dotenv_settings, secret_files


def load(cls: type[S]) -> S:
    """Build the settings, or say in one line which variable is wrong and exit with code 2."""
    try:
        return cls()
    except ValidationError as error:
        print("; ".join(_complaint(cls, fault) for fault in error.errors()), file=sys.stderr)  # noqa: T201 (before logs)
        raise SystemExit(2) from None
    except SettingsError as error:  # text that is no JSON where there must be some
        print(error, file=sys.stderr)  # noqa: T201 (before logs)
        raise SystemExit(2) from None


def _complaint(cls: type[BaseSettings], fault: Any) -> str:
    name = "__".join(str(part) for part in fault["loc"]).upper()
    if not name:  # a rule over several settings names them itself
        return str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "missing":
        return (
            f"setting {' and '.join(_needed(cls, fault['loc'], name))} is missing: set it in the environment"
        )
    return f"setting {name} is wrong: {fault['msg']}"


def _needed(cls: type[BaseSettings], location: tuple[Any, ...], name: str) -> list[str]:
    """A whole block that is missing is named by the variables that it needs."""
    block = cls.model_fields.get(str(location[0]))
    kind = getattr(block, "annotation", None)
    if len(location) > 1 or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return [name]
    return [f"{name}__{field}".upper() for field, info in kind.model_fields.items() if info.is_required()]
