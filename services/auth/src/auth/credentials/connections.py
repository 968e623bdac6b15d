"""What a person types to connect a provider, and what each field must look like. Never shown again."""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from shared.contracts.base import Side

_CONTROL_PANEL = re.compile(r"(?:https?://)?cp\.([a-z0-9-]+)\.[a-z0-9-]+\.cloud\.im(?:/.*)?")
_MARKETPLACE = re.compile(r"[a-z0-9-]{2,20}")
_COMPANY = re.compile(r"[^\s+:/?#\\]+")
_HOST = re.compile(r"(?:https?://)?[^\s/?#@\\]+")


def _marketplace(value: str) -> str:
    """`us`; the control panel's address `cp.us.na.cloud.im` says the same (Ingram Micro §2)."""
    lower = value.lower()
    panel = _CONTROL_PANEL.fullmatch(lower)
    code = panel[1] if panel else lower
    if not _MARKETPLACE.fullmatch(code):
        raise ValueError("is a short code such as us, or the control panel's address: cp.us.na.cloud.im")
    return code


def _base_url(value: str) -> str:
    if re.search(r"[\s?#\\]", value):
        raise ValueError(
            "this is an address without spaces, ? and #, such as https://api.cloud.im/marketplace/na"
        )
    return value.rstrip("/")


def _host(value: str) -> str:
    bare = value.rstrip("/").lower().removeprefix("https://")
    if not _HOST.fullmatch(bare):
        raise ValueError("this is a host name without a path, such as api-na.myconnectwise.net")
    return bare


def _company(value: str) -> str:
    if not _COMPANY.fullmatch(value):
        raise ValueError("this is the company id that you type when you sign in, without spaces, + : or /")
    return value


def _key(value: SecretStr) -> SecretStr:
    """Keys travel in headers; what surrounds them came along when they were copied."""
    text = value.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("this is a key of plain letters, digits and signs, without spaces")
    return SecretStr(text)


def _user(value: str) -> str:
    if ":" in value:
        raise ValueError("must not contain a colon: sign-in splits there")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=300)]
Key = Annotated[SecretStr, Field(min_length=1, max_length=300), AfterValidator(_key)]


class Connection(BaseModel):
    """The fields that every provider has; `hide_input_in_errors` keeps typed secrets out of errors."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )

    side: ClassVar[Side]

    provider: str
    name: Annotated[str, StringConstraints(max_length=100)] | None = None

    @property
    def realm(self) -> str:
        """Names the same marketplace or company however it was typed (architecture §1)."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """The name of an integration that was given none."""
        raise NotImplementedError

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be found nowhere else."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

    def revealed(self) -> dict[str, Any]:
        """Everything in plain text, for sealing alone."""
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
    """ConnectWise PSA (psa-apis.md §2.1–2.2); `host` may be a whole origin where that is allowed."""

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
    def label(self) -> str:
        return f"ConnectWise {self.company}"


CONNECTIONS: dict[str, type[Connection]] = {
    "ingram-micro": IngramConnection,
    "connectwise": ConnectWiseConnection,
}
