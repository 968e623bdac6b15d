"""The forms of the fields that a person types to connect a provider; pure."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

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
BaseUrl = Annotated[Text, AfterValidator(_base_url)]
Marketplace = Annotated[Text, AfterValidator(_marketplace)]
Host = Annotated[Text, AfterValidator(_host)]
Company = Annotated[Text, AfterValidator(_company)]
User = Annotated[Text, AfterValidator(_user)]
