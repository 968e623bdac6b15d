"""The settings of auth, from the environment."""

import base64
import binascii
from datetime import timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, model_validator

from auth.people.models import Claim, Member, Tenant
from auth.people.tokens import TokenSigner
from shared.contracts.base import Side
from shared.limits.people import PASSWORD_CHARACTERS
from shared.runtime.settings import (
    KafkaSettings,
    MongoSettings,
    OutboundSettings,
    RedisSettings,
    ServiceSettings,
    SettingsBlock,
)
from shared.web.person import Role
from shared.web.requests import Email

SYNC_SERVICES = {"vendor-sync": Side.VENDOR, "psa-sync": Side.PSA}
"""The services that may ask for access, and the side of each."""
_KEY_BYTES = 32


def _sealing_key(value: SecretStr) -> SecretStr:
    try:
        raw = base64.b64decode(value.get_secret_value(), validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ValueError("each key is base64 of 32 random bytes")
    return value


def _signing_key(value: SecretStr) -> SecretStr:
    # Building a signer is the check: its ValueError becomes the one line that names the setting.
    TokenSigner(value.get_secret_value(), "", timedelta())
    return value


def _known_zone(tenant: Tenant) -> Tenant:
    try:
        ZoneInfo(tenant.time_zone)
    except (ZoneInfoNotFoundError, ValueError):  # ValueError: an absolute path, or one that leaves the folder
        raise ValueError(f"{tenant.time_zone} is no time zone such as Europe/Berlin") from None
    return tenant


def _typeable(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) > PASSWORD_CHARACTERS.most:
        raise ValueError(f"nobody can sign in with more than {PASSWORD_CHARACTERS}: shorten it")
    return value


class _Database(MongoSettings):
    database: str = "auth"


class TokenSettings(SettingsBlock):
    """Issuer and lifetime of people's tokens; tokens cannot be revoked, so they end with the working day."""

    issuer: Claim = "trueup"
    lifetime: timedelta = timedelta(hours=8)


class AdminSettings(SettingsBlock):
    """The first admin; there is no default password."""

    tenant_id: str
    email: Annotated[Email, Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    password: Annotated[SecretStr, Field(min_length=8), AfterValidator(_typeable)]
    name: Claim = "Admin"

    @property
    def member(self) -> Member:
        """The admin as a member of the tenant; the password is yet to be hashed."""
        return Member(self.tenant_id, self.email.lower(), self.name, Role.ADMIN, "")


class SealingSettings(SettingsBlock):
    """Wrapping keys by id, each base64 of 32 bytes, and the id of the one that seals from now on."""

    keys: dict[str, Annotated[SecretStr, AfterValidator(_sealing_key)]]
    current: str

    @model_validator(mode="after")
    def _check_current(self) -> Self:
        if self.current not in self.keys:
            raise ValueError(f"SEALING__CURRENT names {self.current!r}, which is not in SEALING__KEYS")
        return self

    @property
    def raw_keys(self) -> dict[str, bytes]:
        return {key_id: base64.b64decode(key.get_secret_value()) for key_id, key in self.keys.items()}


class Settings(ServiceSettings):
    """What a process of auth is started with; secrets have no defaults."""

    kafka: KafkaSettings
    mongo: _Database
    redis: RedisSettings
    """For news, which people who look at a page are told."""
    outbound: OutboundSettings = OutboundSettings()
    auth: TokenSettings = TokenSettings()
    tenants: Annotated[tuple[Annotated[Tenant, AfterValidator(_known_zone)], ...], Field(min_length=1)]
    admin: AdminSettings
    service_tokens: dict[str, Annotated[SecretStr, Field(min_length=16)]]
    signing_key: Annotated[SecretStr, AfterValidator(_signing_key)]
    sealing: SealingSettings

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.admin.tenant_id not in {tenant.id for tenant in self.tenants}:
            raise ValueError(f"ADMIN__TENANT_ID names {self.admin.tenant_id!r}, which is not in TENANTS")
        if unknown := set(self.service_tokens) - set(SYNC_SERVICES):
            raise ValueError(
                f"SERVICE_TOKENS names {sorted(unknown)}: only {sorted(SYNC_SERVICES)} ask for access"
            )
        return self
