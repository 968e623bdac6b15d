"""The only way out to a provider: one client, one retry rule, one set of errors, one log line per call."""

# An attempt: rate limit → access → send → judge the answer. What the judgement raises decides in `retry.py`
# whether, and when, the call is sent again:
#
#   success, refusal (4xx)             returned; the caller's `result()` raises what it means
#   status in `renew_on`, first time   AccessRenewed     at once, with new access, changes too
#   a change is not out in time        TransientError    nothing was made, also where it was refused before
#   429, 403 about a quota             TransientError    the rate limit is paused for every worker
#     for more than a minute           LongPause         … and the call ends
#   408, 5xx, no answer, no JSON       TransientError    a change that was sent has an unknown outcome
#   no connection                      TransientError    nothing was sent

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Self, TypeVar

import httpx
import structlog

from shared.errors import AddressRefused, OutcomeUnknown, PermanentError, TransientError, UnexpectedResponse
from shared.http_client.access_source import Access, AccessSource, FixedAccess
from shared.http_client.answer_size import SMALL, AnswerSize
from shared.http_client.body import ACCEPTED_ENCODINGS, UnfinishedAnswer, read_body
from shared.http_client.json_document import Json
from shared.http_client.response import ApiResponse, error_of, parse_response
from shared.http_client.retry import AccessRenewed, Call, CallPolicy, GarbledResponse, RateLimit, throttled
from shared.http_client.ssrf_guard import is_exempt, origin_of
from shared.http_client.transport import GuardedTransport
from shared.runtime.settings import OutboundSettings

Transport = httpx.AsyncBaseTransport
"""How bytes travel; a test may bring its own."""

log = structlog.get_logger()

T = TypeVar("T")


class Api:
    """One provider's HTTP API. Use as `async with`; paths are relative to the base address.

    Raises TransientError, LongPause (nobody may call for long), OutcomeUnknown (a change that may have been
    made), CredentialsRejected (401, 403), NotFound (404), Conflict (409), UnexpectedResponse (redirect, no
    JSON), AddressRefused, PermanentError.
    """

    def __init__(
        self,
        source: str | AccessSource,
        *,
        outbound: OutboundSettings,
        headers: Mapping[str, str] | None = None,
        policy: CallPolicy | None = None,
        rate_limit: RateLimit | None = None,
        transport: Transport | None = None,
    ) -> None:
        """`source` is a base address that needs no proof, or gives both. Raises AddressRefused."""
        self._policy = policy or CallPolicy()
        self._rate_limit = rate_limit
        ours = {"Accept": "application/json", "Accept-Encoding": ACCEPTED_ENCODINGS}
        self._headers = {**ours, **(headers or {})}
        allowed = frozenset(origin_of(origin) for origin in outbound.allowed_origins)
        if isinstance(source, str):
            is_exempt(origin_of(source), allowed)  # refused here already, not at the first call
            source = FixedAccess(Access(source, {}))
        self._source = source
        self._client = httpx.AsyncClient(
            transport=transport or GuardedTransport(allowed),
            timeout=httpx.Timeout(
                self._policy.read_timeout.total_seconds(),
                connect=self._policy.connect_timeout.total_seconds(),
            ),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def get(
        self, path: str, params: Mapping[str, str | int] | None = None, *, answer: AnswerSize = SMALL
    ) -> Json:
        """Returns the JSON of a success; raises what any other answer means."""
        return (await self.request("GET", path, answer=answer, params=params)).result()

    async def request(  # noqa: PLR0913 (all but two by name)
        self,
        method: str,
        path: str,
        *,
        answer: AnswerSize = SMALL,
        params: Mapping[str, str | int] | None = None,
        json: Json = None,
        headers: Mapping[str, str] | None = None,
        read_only: bool = False,
    ) -> ApiResponse:
        """Returns the final answer, success and refusal alike: look at its status, or ask for its `result()`.

        `answer` is how large a success may be. A change is sent once; a read is repeated. GET reads;
        `read_only` says the same of a POST that changes nothing at the far side. Raises OutcomeUnknown when
        a change may have been made, and as `Api` says.
        """
        call = Call(method, path, self._policy, read_only=read_only or method == "GET", answer=answer)
        call.params, call.json, call.headers = params, json, headers or {}
        status = None
        try:
            response = await self._send_until_final(call)
            status = response.status
        finally:
            # The query stays out: it may hold what a person typed.
            took = round(call.age_seconds * 1000)
            log.info(
                "http_call",
                method=method,
                host=call.host,
                path=path,
                status=status,
                sent=call.sent,
                duration_ms=took,
            )
        return response

    async def _send_until_final(self, call: Call) -> ApiResponse:
        try:
            async for attempt in call.attempts():
                with attempt:
                    return await self._attempt(call)
        except AccessRenewed as last:
            return last.answer
        except (TransientError, UnexpectedResponse) as error:
            if call.outcome_unknown:
                retry_after = error.retry_after if isinstance(error, TransientError) else None
                raise OutcomeUnknown(str(error), status=error.status, retry_after=retry_after) from error
            if isinstance(error, GarbledResponse):
                raise UnexpectedResponse(str(error), status=error.status) from error
            raise
        raise AssertionError("a call ends with an answer or an error")

    async def _attempt(self, call: Call) -> ApiResponse:
        if self._rate_limit is not None:
            await call.pass_rate_limit(self._rate_limit)
        access = await self._granted(call, self._source.current())
        call.assert_in_time()
        answer = await self._send(call, access)
        if answer.is_transient:
            raise await self._transient_error(call, answer)
        if answer.status in self._policy.renew_on and not call.access_renewed:
            renewed = await self._granted(call, self._source.renew(access))
            call.access_renewed = True
            if renewed is not None:
                raise AccessRenewed(answer)
        return answer

    async def _granted(self, call: Call, access: Awaitable[T]) -> T:
        try:
            return await call.in_time(access)
        except TransientError as error:
            if error.retry_after is None:
                raise
            # The provider throttled auth's signing in.
            await self._pause_rate_limit(call, error.retry_after)
            raise throttled(str(error), retry_after=error.retry_after, status=error.status) from error

    async def _pause_rate_limit(self, call: Call, seconds: float) -> None:
        """Keeps a provider's pause where every worker waits, if this API has a rate limit."""
        if self._rate_limit is not None:
            await self._rate_limit.pause(seconds)
            call.paused_by_rate_limit = True

    async def _transient_error(self, call: Call, answer: ApiResponse) -> TransientError:
        if answer.is_garbled:
            call.note_unclear_answer()
            return GarbledResponse(
                f"{answer.call} answered {answer.status} with what is not JSON", status=answer.status
            )
        call.paused_by_rate_limit = False
        if not answer.is_throttled:
            call.note_unclear_answer()
            return TransientError(str(error_of(answer)), retry_after=answer.retry_after, status=answer.status)
        pause_seconds = call.throttle_seconds(answer)
        await self._pause_rate_limit(call, pause_seconds)
        return throttled(str(error_of(answer)), retry_after=pause_seconds, status=answer.status)

    async def _send(self, call: Call, access: Access) -> ApiResponse:
        request = self._build(call, access)
        call.sent += 1
        call.host = request.url.netloc.decode()
        name = f"{call.method} {call.host}{request.url.path}"
        try:
            async with asyncio.timeout(max(call.left_seconds, 0.0)):
                return await self._exchange(request, name, call.answer, access.secrets)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TransientError(f"{name} could not connect: {error}") from error
        except httpx.LocalProtocolError:
            # Not chained: the library quotes the header value that it could not send.
            raise PermanentError(
                f"{name} cannot be sent: a header has characters that HTTP forbids"
            ) from None
        except httpx.DecodingError as error:
            call.note_unclear_answer()
            raise GarbledResponse(f"{name} answered with a body that cannot be decoded") from error
        except (httpx.TransportError, TimeoutError) as error:
            call.note_unclear_answer()
            raise TransientError(f"{name} got no answer: {type(error).__name__}") from error
        except (UnexpectedResponse, UnfinishedAnswer):
            call.note_unclear_answer()
            raise

    def _build(self, call: Call, access: Access) -> httpx.Request:
        try:
            return self._client.build_request(
                call.method,
                f"{access.base_url.rstrip('/')}/{call.path.lstrip('/')}",
                params=call.params,
                json=call.json,
                headers={**self._headers, **access.headers, **call.headers},
            )
        except httpx.InvalidURL:
            # Not chained: the library quotes what it could not read, which may be a password.
            sentence = f"the address of {call.method} {call.path} cannot be read: check its host and port"
            raise AddressRefused(sentence) from None
        except UnicodeEncodeError:
            raise PermanentError(f"{call.method} {call.path} cannot be sent: a header is not ASCII") from None

    async def _exchange(
        self, request: httpx.Request, name: str, size: AnswerSize, secrets: tuple[str, ...]
    ) -> ApiResponse:
        head_seconds = (self._policy.connect_timeout + self._policy.read_timeout).total_seconds()
        async with asyncio.timeout(head_seconds):
            response = await self._client.send(request, stream=True)
        try:
            body = await read_body(response, name, size)
        finally:
            await response.aclose()
        return parse_response(
            name, response.status_code, dict(response.headers), body, size=size, secrets=secrets
        )
