"""Settings from the environment or from secret files, and one clear line when one is missing."""

import sys
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, PositiveInt, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.limits import http as limits

S = TypeVar("S", bound=BaseSettings)

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class SettingsBlock(BaseModel):
    """A group of settings that share a prefix."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)  # passwords are among the input


class KafkaSettings(SettingsBlock):
    """Where Kafka is, and how to sign in to it where it asks for that."""

    servers: str
    """`host:port[,host:port]`."""
    username: str = ""
    password: SecretStr | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proven; SCRAM does not send it."""
    tls: bool = False
    """Encrypt, and verify the brokers by the authorities that this machine trusts."""

    @model_validator(mode="after")
    def _sign_in_is_complete_and_safe(self) -> Self:
        if bool(self.username) != bool(self.password):
            raise ValueError("KAFKA__USERNAME and KAFKA__PASSWORD go together: set both or neither")
        local = all(server.rpartition(":")[0] in _LOOPBACK for server in self.servers.split(","))
        if self.username and self.mechanism == "PLAIN" and not (self.tls or local):
            raise ValueError(
                "KAFKA__MECHANISM=PLAIN sends the password as it is: "
                "set KAFKA__TLS=true, or a mechanism SCRAM-SHA-512 or SCRAM-SHA-256"
            )
        return self


class MongoSettings(SettingsBlock):
    """Where this service's own database is."""

    url: SecretStr
    database: str


class RedisSettings(SettingsBlock):
    """Where the status channel and the shared rate limits are."""

    url: SecretStr


class HttpSettings(SettingsBlock):
    """Where this service listens, and how much it lets clients hold open."""

    host: str = "127.0.0.1"
    port: int = 8000
    connections: PositiveInt = limits.CONNECTIONS.most
    half_open_connections: PositiveInt = limits.HALF_OPEN_CONNECTIONS.most
    head_seconds: PositiveInt = limits.REQUEST_HEAD_SECONDS.most
    unread_seconds: PositiveInt = limits.UNREAD_ANSWER_SECONDS.most
    idle_seconds: PositiveInt = limits.IDLE_CONNECTION_SECONDS.most


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
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not name:  # a rule over several settings names them itself
        return message
    if fault["type"] == "missing":
        names = " and ".join(_missing_variables(cls, fault["loc"], name))
        return f"setting {names} is missing: set it in the environment"
    return f"setting {name} is wrong: {message}"


def _missing_variables(cls: type[BaseSettings], location: tuple[Any, ...], name: str) -> list[str]:
    """Names the variables that are missing: of a whole missing block, those that it needs."""
    block = cls.model_fields.get(str(location[0]))
    kind = getattr(block, "annotation", None)
    if len(location) > 1 or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return [name]
    return [f"{name}__{field}".upper() for field, info in kind.model_fields.items() if info.is_required()]
