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
    """Where the status channel and the shared rate limits are."""

    url: SecretStr


class HttpSettings(SettingsBlock):
    """Where this service listens."""

    host: str = "127.0.0.1"
    port: int = 8000


class AuthSettings(SettingsBlock):
    """Where auth is, and whom people's tokens must name as their issuer."""

    url: str
    issuer: str = "trueup"


class ServiceAuthSettings(AuthSettings):
    """How a service proves to auth that it may ask for access."""

    service_token: SecretStr


class OutboundSettings(SettingsBlock):
    """Which exact origins (`http://host:port`) need not be https and public."""

    allowed_origins: tuple[str, ...] = ()


class ServiceSettings(BaseSettings):
    """The settings that every service has.

    A secret may be in a file, as container engines do it: one file for each variable and named like it. The
    variable wins over the file.
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
        """Keeps the usual order, with a reader of secret files that knows nested names such as MONGO__URL."""
        secret_files = NestedSecretsSettingsSource(file_secret_settings)
        return init_settings, env_settings, dotenv_settings, secret_files


def load(cls: type[S]) -> S:
    """Reads the settings; a wrong or missing one ends the process with code 2 and a line that names it."""
    try:
        return cls()
    except ValidationError as error:
        print("; ".join(_fault_sentence(cls, fault) for fault in error.errors()), file=sys.stderr)  # noqa: T201 (before logs)
        raise SystemExit(2) from None
    except SettingsError as error:  # text that is no JSON where there must be some
        print(error, file=sys.stderr)  # noqa: T201 (before logs)
        raise SystemExit(2) from None


def _fault_sentence(cls: type[BaseSettings], fault: Any) -> str:
    name = "__".join(str(part) for part in fault["loc"]).upper()
    if not name:  # a rule over several settings names them itself
        return str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "missing":
        names = " and ".join(_missing_variables(cls, fault["loc"], name))
        return f"setting {names} is missing: set it in the environment"
    return f"setting {name} is wrong: {fault['msg']}"


def _missing_variables(cls: type[BaseSettings], location: tuple[Any, ...], name: str) -> list[str]:
    """Names the variables that are missing: of a whole missing block, those that it needs."""
    block = cls.model_fields.get(str(location[0]))
    kind = getattr(block, "annotation", None)
    if len(location) > 1 or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return [name]
    return [f"{name}__{field}".upper() for field, info in kind.model_fields.items() if info.is_required()]
