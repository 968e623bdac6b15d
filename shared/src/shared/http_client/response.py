"""What a provider answered, and which of our errors that is; knows every body shape of the references."""

# Worth another try: throttled (429; 403 with a Retry-After or about a quota, Azure API Management's way),
# garbled (2xx whose body is cut or no JSON), failure (408, 5xx). Every other answer is final.

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

_AGAIN_IN_SECONDS = re.compile(r"again in (\d+) second", re.IGNORECASE)
_REPLENISHED_IN = re.compile(r"replenished in (\d+):(\d\d):(\d\d)", re.IGNORECASE)
_MAX_QUOTE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One answer, whatever its status; `json` is None when the body is not JSON."""

    call: str
    """Method, host and path, for sentences."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    text: str = field(repr=False)
    json: Json = field(repr=False, default=None)
    is_json: bool = field(repr=False, default=False)
    secrets: tuple[str, ...] = field(repr=False, default=())
    """Texts that `message` does not repeat."""

    @property
    def is_success(self) -> bool:
        return HTTPStatus(200) <= self.status < HTTPStatus(300)

    @property
    def is_garbled(self) -> bool:
        """A success whose body is cut or no JSON; a second try may be answered whole."""
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
        words = _message_in(self.json) or self.text
        for secret in self.secrets:
            words = words.replace(secret, "***")
        return words[:_MAX_QUOTE_CHARACTERS].strip()

    @property
    def retry_after(self) -> float | None:
        """Seconds after which to come back, if the far side named them: in its header, or in its sentence."""
        seconds = _seconds_in_header(self.headers.get("retry-after", ""))
        return _seconds_in_words(self.text) if seconds is None else seconds

    def result(self) -> Json:
        """Returns the JSON of a success; raises what the status means otherwise (`error_of`)."""
        if self.is_success and not self.is_garbled:
            return self.json
        raise error_of(self)


def parse_response(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, secrets: tuple[str, ...] = ()
) -> ApiResponse:
    """Reads a body as strict JSON; a body that is none becomes an answer without `json`."""
    text = body.decode(errors="replace")
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return ApiResponse(call, status, headers, text, secrets=secrets)
    return ApiResponse(call, status, headers, text, parsed, is_json=True, secrets=secrets)


def error_of(answer: ApiResponse) -> Exception:
    """Returns the error that an answer means (`shared.errors`), with a sentence that names the call."""
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
    if target := answer.headers.get("location"):
        # Only the host is quoted: a path, a query or a user name of a redirect may be secret.
        host = re.sub(r"^(https?:)?//([^/?#@]*@)?([^/?#]*).*$", r"\3", target)
        sentence = f"{answer.call} redirects to {host[:_MAX_QUOTE_CHARACTERS]}: redirects are not followed"
    return kind(sentence, status=status, message=message)


def _message_in(body: Json) -> str:
    """`message` or `error`, with the inner `errors` behind it (Ingram Micro §4.1, ConnectWise §2.8)."""
    if not isinstance(body, dict):
        return ""
    first = body.get("message") or body.get("error") or ""
    errors = body.get("errors")
    inner = [
        str(item.get("message") or "") if isinstance(item, dict) else str(item)
        for item in (errors if isinstance(errors, list) else ())
    ]
    return "; ".join(str(part) for part in (first, *inner) if part)


def _seconds_in_header(value: str) -> float | None:
    """Reads a number of seconds, or an HTTP date (RFC 9110 §10.2.3); None when it is neither."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _seconds_in_words(text: str) -> float | None:
    if again := _AGAIN_IN_SECONDS.search(text):
        return float(again[1])
    if replenished := _REPLENISHED_IN.search(text):
        hours, minutes, seconds = map(int, replenished.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    return None


def _refuse_constant(name: str) -> Json:
    """Python's parser takes NaN and Infinity, which JSON does not have."""
    raise ValueError(f"{name} is no JSON")
