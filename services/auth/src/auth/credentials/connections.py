"""The fields that a person types to connect a provider, and the form that each must have.

Nothing of it is ever shown again: secrets are `SecretStr`, and validation errors leave the input out.
"""

import re
from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from shared.contracts.base import Side
from shared.contracts.fields import checked_code
from shared.limits.people import CONNECTION_CHARACTERS, INTEGRATION_NAME_CHARACTERS
from shared.plain_text import PlainText, counted, is_plain

_CONTROL_PANEL = re.compile(r"(?:https?://)?cp\.([a-z0-9-]+)\.[a-z0-9-]+\.cloud\.im(?:/.*)?")
_MARKETPLACE = re.compile(r"[a-z0-9-]{2,20}")
_COMPANY = re.compile(r"[^\s+:/?#\\]+")
_HOST = re.compile(r"(?:https?://)?[^\s/?#@\\]+")


def _marketplace(value: str) -> str:
    """Returns `us`, also for the control panel's address `cp.us.na.cloud.im` (ingram-micro-api.md §2)."""
    lower = value.lower()
    panel = _CONTROL_PANEL.fullmatch(lower)
    code = panel[1] if panel else lower
    if not _MARKETPLACE.fullmatch(code):
        raise ValueError("is a short code such as us, or the control panel's address: cp.us.na.cloud.im")
    return code


def _base_url(value: str) -> str:
    """Returns the address as it was typed, without a slash at its end: paths are appended to it."""
    if re.search(r"[\s?#\\]", value):
        raise ValueError(
            "this is an address without spaces, ? and #, such as https://api.cloud.im/marketplace/na"
        )
    return value.rstrip("/")


def _host(value: str) -> str:
    """Returns the host in lower case without `https://`; another scheme stays, for `ssrf_guard` to judge."""
    bare = value.rstrip("/").lower().removeprefix("https://")
    if not _HOST.fullmatch(bare):
        raise ValueError("this is a host name without a path, such as api-na.myconnectwise.net")
    return bare


def _company(value: str) -> str:
    # The company is a part of a URL path, and stands before a plus sign in the user name (psa-apis.md §2.2).
    if not _COMPANY.fullmatch(value):
        raise ValueError("this is the company id that you type when you sign in, without spaces, + : or /")
    return value


def _key(value: SecretStr) -> SecretStr:
    """Returns the key without the spaces and line breaks that were copied along with it."""
    # Keys travel in HTTP headers: printable ASCII only, and a line break would start another header.
    text = value.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("this is a key of plain letters, digits and signs, without spaces")
    return SecretStr(text)


def _user(value: str) -> str:
    # RFC 7617: in Basic authentication the first colon ends the user name.
    if ":" in value:
        raise ValueError("must not contain a colon: sign-in splits there")
    return value


def _password(value: SecretStr) -> SecretStr:
    if not is_plain(value.get_secret_value()):
        raise ValueError("must not contain control characters, such as a line break")
    return value


_Secret = Annotated[
    SecretStr,
    Field(min_length=1, max_length=CONNECTION_CHARACTERS.most),
    counted(CONNECTION_CHARACTERS),
]

Text = Annotated[
    PlainText,
    StringConstraints(min_length=1, max_length=CONNECTION_CHARACTERS.most),
    counted(CONNECTION_CHARACTERS),
]
Name = Annotated[
    PlainText,
    StringConstraints(max_length=INTEGRATION_NAME_CHARACTERS.most),
    counted(INTEGRATION_NAME_CHARACTERS),
]
Password = Annotated[_Secret, AfterValidator(_password)]
Key = Annotated[_Secret, AfterValidator(_key)]


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
        """Identifies the marketplace or company at the provider, however it was typed (architecture §1).

        The same realm is the same integration: connecting it again makes a next generation, not a second
        integration. Host `https://API.example/` with company `ACME` is the realm `api.example/acme`.
        """

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
    base_url: Annotated[Text, AfterValidator(_base_url)]
    marketplace: Annotated[Text, AfterValidator(_marketplace)]
    subscription_key: Key
    username: Annotated[Text, AfterValidator(_user)]
    password: Password

    @property
    def realm(self) -> str:
        return f"{self.base_url}#{self.marketplace}".lower()

    @property
    def label(self) -> str:
        return f"Ingram Micro {self.marketplace.upper()}"


class ConnectWiseConnection(Connection):
    """ConnectWise PSA (psa-apis.md §2.1–2.2).

    `host` may be a whole origin, `http://127.0.0.1:8090`, where the settings allow it to be called.
    """

    side: ClassVar[Side] = Side.PSA

    provider: Literal["connectwise"]
    host: Annotated[Text, AfterValidator(_host)]
    company: Annotated[Text, AfterValidator(_company)]
    public_key: Key
    private_key: Key
    client_id: Key

    @property
    def realm(self) -> str:
        return f"{self.host}/{self.company}".lower()

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
