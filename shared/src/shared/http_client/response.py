"""What a provider answered, and which of our errors that is; knows every body shape of the references."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeAlias

from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)

Json: TypeAlias = Any
"""Parsed JSON, its fractions exact (`Decimal`)."""

_AGAIN = re.compile(r"again in (\d+) second", re.IGNORECASE)
_REPLENISHED = re.compile(r"replenished in (\d+):(\d\d):(\d\d)", re.IGNORECASE)
_QUOTED = 500


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One answer, whatever its status; `json` is None when the body is not JSON. Headers in lower case."""

    call: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)
    json: Json = field(repr=False, default=None)
    is_json: bool = field(repr=False, default=False)
    secrets: tuple[str, ...] = field(repr=False, default=())

    @property
    def is_success(self) -> bool:
        return HTTPStatus(200) <= self.status < HTTPStatus(300)

    @property
    def is_garbled(self) -> bool:
        """A success whose body is cut or no JSON, which a second try may mend."""
        return self.is_success and self.status != HTTPStatus.NO_CONTENT and not self.is_json

    @property
    def is_throttled(self) -> bool:
        """429, or a 403 that speaks of a quota (Azure API Management's way)."""
        if self.status == HTTPStatus.FORBIDDEN:
            return "retry-after" in self.headers or "quota" in self.text.lower()
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def is_failure(self) -> bool:
        """The far side, or a gateway before it, gave up; what was sent may be done all the same."""
        return self.status == HTTPStatus.REQUEST_TIMEOUT or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_transient(self) -> bool:
        return self.is_throttled or self.is_garbled or self.is_failure

    @property
    def message(self) -> str:
        """The far side's own words, at most 500 characters, without what we sent to prove who we are."""
        words = _said(self.json) or self.text
        for secret in self.secrets:
            words = words.replace(secret, "***")
        return words[:_QUOTED].strip()

    @property
    def retry_after(self) -> float | None:
        """When to come back, in seconds, if the far side said: by header, or in words."""
        said = _from_header(self.headers.get("retry-after", ""))
        return _from_words(self.text) if said is None else said

    def result(self) -> Json:
        """The JSON of a success; raises what the status means otherwise."""
        if self.is_success and not self.is_garbled:
            return self.json
        raise error_of(self)


def parse_response(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, secrets: tuple[str, ...] = ()
) -> ApiResponse:
    text = body.decode(errors="replace")
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return ApiResponse(call, status, headers, text, secrets=secrets)
    return ApiResponse(call, status, headers, text, parsed, is_json=True, secrets=secrets)


def error_of(answer: ApiResponse) -> Exception:
    """The class that says what to do (`shared.errors`), with a sentence that names the call."""
    status, message = answer.status, answer.message
    sentence = f"{answer.call} answered {status}: {message or 'nothing'}"
    if answer.is_transient:
        return TransientError(sentence, retry_after=answer.retry_after, status=status)
    kinds: dict[int, type[PermanentError]] = {
        200: UnexpectedResponse,
        300: UnexpectedResponse,
        401: CredentialsRejected,
        403: CredentialsRejected,
        404: NotFound,
        409: Conflict,
    }
    kind = kinds.get(status) or kinds.get(status // 100 * 100, PermanentError)
    return kind(_redirected(answer) or sentence, status=status, message=message)


def _redirected(answer: ApiResponse) -> str | None:
    target = answer.headers.get("location")
    host = re.sub(r"^(https?:)?//([^/?#@]*@)?([^/?#]*).*$", r"\3", target or "")
    return target and f"{answer.call} redirects to {host[:_QUOTED]}: redirects are not followed"


def _said(body: Json) -> str:
    """`message` or `error`, with the inner `errors` behind it (Ingram Micro §4.1, ConnectWise §2.8)."""
    if not isinstance(body, dict):
        return ""
    first = body.get("message") or body.get("error") or ""
    errors = body.get("errors")
    inner = [_inner(item) for item in errors] if isinstance(errors, list) else []
    return "; ".join(str(part) for part in (first, *inner) if part)


def _inner(item: Json) -> str:
    return str(item.get("message") or "") if isinstance(item, dict) else str(item)


def _from_header(value: str) -> float | None:
    """Seconds, or an HTTP date (RFC 9110 §10.2.3)."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _from_words(text: str) -> float | None:
    if again := _AGAIN.search(text):
        return float(again[1])
    if replenished := _REPLENISHED.search(text):
        hours, minutes, seconds = map(int, replenished.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    return None


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON")
