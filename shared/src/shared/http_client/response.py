"""What a provider answered, and which of our errors that is; knows every body shape of the references."""

# Worth another try: throttled (429; 403 with a Retry-After or about a quota, Azure API Management's way),
# garbled (2xx whose body is cut or no JSON), failure (408, 5xx). Every other answer is final.
# What a far side says in words is looked at in its first 8 KB only, and every expression takes linear time.

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from shared.errors import (
    Conflict,
    CredentialsRejected,
    NotFound,
    PermanentError,
    TransientError,
    UnexpectedResponse,
)
from shared.http_client.answer_size import SMALL, AnswerSize
from shared.http_client.json_document import Json, OversizedDocument, parse_json
from shared.limits import record_hit
from shared.limits.answers import HEADER_CHARACTERS, NON_JSON_BYTES, PROVIDER_PAUSE_SECONDS
from shared.plain_text import cleaned

_AGAIN_IN_SECONDS = re.compile(r"again in (\d+) second", re.IGNORECASE)
_REPLENISHED_IN = re.compile(r"replenished in (\d+):(\d\d):(\d\d)", re.IGNORECASE)
_SECONDS = re.compile(r"\d+(\.\d+)?")
_MAX_QUOTE_CHARACTERS = 500
_LONGEST_RETRY_AFTER = 64
"""In characters; an HTTP date has 29."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """One answer, whatever its status; `json` is None when the body is not JSON."""

    call: str
    """Method, host and path, for sentences."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    text: str = field(repr=False)
    """The beginning of the body (`NON_JSON_BYTES`)."""
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
        words = _masked(_message_in(self.json) or self.text, self.secrets)
        return cleaned(words[:_MAX_QUOTE_CHARACTERS]).strip()

    @property
    def retry_after(self) -> float | None:
        """Seconds after which to come back, if the far side named them: in its header, or in its sentence.

        At most `PROVIDER_PAUSE_SECONDS`, whatever it named.
        """
        seconds = _seconds_in_header(self.headers.get("retry-after", ""))
        seconds = _seconds_in_words(self.text) if seconds is None else seconds
        if seconds is not None and seconds > PROVIDER_PAUSE_SECONDS.most:
            record_hit(PROVIDER_PAUSE_SECONDS)
            return float(PROVIDER_PAUSE_SECONDS.most)
        return seconds

    def result(self) -> Json:
        """Returns the JSON of a success; raises what the status means otherwise (`error_of`)."""
        if self.is_success and not self.is_garbled:
            return self.json
        raise error_of(self)


def parse_response(
    call: str,
    status: int,
    headers: Mapping[str, str],
    body: bytearray,
    *,
    size: AnswerSize = SMALL,
    secrets: tuple[str, ...] = (),
) -> ApiResponse:
    """Reads a body as strict JSON; a body that is none becomes an answer without `json`.

    Raises UnexpectedResponse for a success whose JSON is larger or deeper than its kind may be.
    """
    answer = ApiResponse(call, status, headers, _beginning(body, secrets), secrets=secrets)
    try:
        parsed = parse_json(body, size if answer.is_success else SMALL)
    except OversizedDocument as error:
        if answer.is_success:
            raise UnexpectedResponse(f"{call} answered with {error}", status=status) from error
        return answer
    except ValueError:
        if len(body) > NON_JSON_BYTES.most:
            record_hit(NON_JSON_BYTES)
        return answer
    return replace(answer, json=parsed, is_json=True)


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
        sentence = f"{answer.call} redirects to {_host_of(target)}: redirects are not followed"
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


def _beginning(body: bytearray, secrets: tuple[str, ...]) -> str:
    """Returns the text that is looked at; where it is cut, no part of a secret is left behind unmasked."""
    text = body[: NON_JSON_BYTES.most].decode(errors="replace")
    if len(body) <= NON_JSON_BYTES.most or not secrets:
        return text
    masked = _masked(text, secrets)
    return masked[: max(0, len(masked) - max(map(len, secrets)))]


def _masked(words: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        words = words.replace(secret, "***")
    return words


def _host_of(target: str) -> str:
    """Returns the host of a redirect alone: its path, its query and its user name may be secret."""
    if len(target) > HEADER_CHARACTERS.most:
        record_hit(HEADER_CHARACTERS)
    try:
        host = urlsplit(target[: HEADER_CHARACTERS.most]).hostname
    except ValueError:
        host = None
    return (host or "another path")[:_MAX_QUOTE_CHARACTERS]


def _seconds_in_header(value: str) -> float | None:
    """Reads a number of seconds, or an HTTP date (RFC 9110 §10.2.3); None when it is neither."""
    value = value[:_LONGEST_RETRY_AFTER].strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _seconds_in_words(text: str) -> float | None:
    # `float`, not `int`: it takes any number of digits, the largest as infinite.
    if again := _AGAIN_IN_SECONDS.search(text):
        return float(again[1])
    if replenished := _REPLENISHED_IN.search(text):
        hours, minutes, seconds = map(float, replenished.groups())
        return hours * 3600 + minutes * 60 + seconds
    return None
