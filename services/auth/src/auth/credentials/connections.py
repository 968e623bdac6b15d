"""The fields that a person types to connect a provider, and the form that each must have.

Nothing of it is ever shown again: secrets are `SecretStr`, and validation errors leave the input out.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator

from auth.credentials.field_types import BaseUrl, Company, Host, Key, Marketplace, Name, Password, Text, User
from auth.credentials.realms import (
    canonical_connectwise_realm,
    canonical_ingram_realm,
    connectwise_realm,
    ingram_realm,
)
from shared.contracts.base import Side
from shared.contracts.fields import checked_code


class Connection(BaseModel, ABC):
    """What the connections of all providers have in common.

    A subclass names its `side` and `provider`, and declares every secret field as `SecretStr`.
    """

    # `hide_input_in_errors` keeps typed secrets out of validation errors, and so out of logs and answers.
    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )

    side: ClassVar[Side]

    provider: str
    name: Name | None = None

    @model_validator(mode="after")
    def _assert_realm(self) -> Self:
        try:
            checked_code(self.realm)
        except ValueError as error:
            raise ValueError(f"address and account make one name together, and {error}") from None
        return self

    @property
    @abstractmethod
    def realm(self) -> str:
        """Identifies the marketplace or company at the provider, however it was typed (architecture §4).

        Host `https://API.example.:443/` with company `ACME` is the realm `api.example/acme`. The reseller,
        whom only the provider can tell, joins it in `realm_of`.
        """

    @classmethod
    @abstractmethod
    def canonical_realm(cls, stored: str) -> str:
        """Returns what `realm` is now for a realm that is stored: an older build spelt it as it was typed."""

    @property
    @abstractmethod
    def former_realm(self) -> str:
        """Returns the realm that an older build made of what was typed."""

    @abstractmethod
    def realm_of(self, owner: str | None) -> str:
        """Returns the realm of a new integration; `owner` is whose account it is, where that is told."""

    @property
    def named_owner(self) -> str | None:
        """Whose account the person says that it is; None where nothing was said."""
        return None

    @property
    def vouched(self) -> bool:
        """Whether the person vouches for the same account as before, where the provider cannot tell."""
        return False

    @property
    @abstractmethod
    def label(self) -> str:
        """The name that an integration gets when the person gave none."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret fields in plain text, for whoever must keep them out of what others get to see."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

    def revealed(self) -> dict[str, Any]:
        """Returns every field in plain text; only what is sealed may be made of it."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in values.items()
        }


class IngramConnection(Connection):
    """Ingram Micro Cloud Marketplace (ingram-micro-api.md §2)."""

    side: ClassVar[Side] = Side.VENDOR

    provider: Literal["ingram-micro"]
    base_url: BaseUrl
    marketplace: Marketplace
    subscription_key: Key
    username: User
    password: Password
    reseller: Text | None = None
    """The id of the reseller whose credentials these are: needed to connect a second one of a marketplace."""
    same_reseller: bool = False
    """Vouches for credentials of the same reseller, where the customers that are known of it are gone."""

    @property
    def realm(self) -> str:
        return ingram_realm(self.base_url, self.marketplace)

    @classmethod
    def canonical_realm(cls, stored: str) -> str:
        return canonical_ingram_realm(stored)

    @property
    def former_realm(self) -> str:
        return f"{self.base_url}#{self.marketplace}".lower()

    def realm_of(self, owner: str | None) -> str:
        return ingram_realm(self.base_url, self.marketplace, owner=owner)

    @property
    def named_owner(self) -> str | None:
        return self.reseller

    @property
    def vouched(self) -> bool:
        return self.same_reseller

    @property
    def label(self) -> str:
        return f"Ingram Micro {self.marketplace.upper()}"


class ConnectWiseConnection(Connection):
    """ConnectWise PSA (psa-apis.md §2.1–2.2).

    `host` may be a whole origin, `http://127.0.0.1:8090`, where the settings allow it to be called.
    """

    side: ClassVar[Side] = Side.PSA

    provider: Literal["connectwise"]
    host: Host
    company: Company
    public_key: Key
    private_key: Key
    client_id: Key

    @property
    def realm(self) -> str:
        return connectwise_realm(self.host, self.company)

    @classmethod
    def canonical_realm(cls, stored: str) -> str:
        return canonical_connectwise_realm(stored)

    @property
    def former_realm(self) -> str:
        return f"{self.host}/{self.company}".lower()

    def realm_of(self, owner: str | None) -> str:  # noqa: ARG002 (the company is whose account it is)
        return self.realm

    @property
    def origin(self) -> str:
        return self.host if "://" in self.host else f"https://{self.host}"

    @property
    def label(self) -> str:
        return f"ConnectWise {self.company}"


CONNECTION_TYPES: dict[str, type[Connection]] = {
    "ingram-micro": IngramConnection,
    "connectwise": ConnectWiseConnection,
}
