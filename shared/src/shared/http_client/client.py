"""The only way out to a provider: one client, one retry rule, one set of errors, one line per call."""

import asyncio
import time
from collections.abc import Mapping
from typing import Self

import httpx
import structlog

from shared.errors import AddressRefused, OutcomeUnknown, PermanentError, TransientError, UnexpectedResponse
from shared.http_client.access_source import Access, AccessSource, FixedAccess
from shared.http_client.response import ApiResponse, Json, error_of, parse_response
from shared.http_client.retry import LONGEST_HOLD, AccessRenewed, Call, CallPolicy, GarbledResponse, RateLimit
from shared.http_client.ssrf_guard import is_exempt, origin_of
from shared.http_client.transport import GuardedTransport
from shared.runtime.settings import OutboundSettings

__all__ = [
    "Access",
    "ApiResponse",
    "Api",
    "RateLimit",
    "FixedAccess",
    "Json",
    "CallPolicy",
    "AccessSource",
    "Transport",
]

Transport = httpx.AsyncBaseTransport
"""How bytes travel; a test may bring its own."""

log = structlog.get_logger()


class Api:
    """One provider's HTTP API. Use as `async with`; paths are relative to the base address.

    Raises TransientError, OutcomeUnknown (a change that may have been made), CredentialsRejected (401, 403),
    NotFound (404), Conflict (409), UnexpectedResponse (redirect, no JSON), AddressRefused, PermanentError.
    """

    def __init__(
        self,
        at: str | AccessSource,
        *,
        outbound: OutboundSettings,
        headers: Mapping[str, str] | None = None,
        policy: CallPolicy | None = None,
        budget: RateLimit | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._policy = policy or CallPolicy()
        self._budget = budget
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._allowed = frozenset(origin_of(allowed) for allowed in outbound.allowed_origins)
        self._source = FixedAccess(self._checked(at)) if isinstance(at, str) else at
        self._client = httpx.AsyncClient(
            transport=transport or GuardedTransport(self._allowed, max_body=self._policy.max_body),
            timeout=httpx.Timeout(self._policy.read, connect=self._policy.connect),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def held_for(self) -> float:
        """Seconds for which the provider, or the pace that it asks for, lets nobody call."""
        return self._budget.held_for if self._budget else 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Json:
        return (await self.request("GET", path, params=params)).result()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Json = None,
        headers: Mapping[str, str] | None = None,
        reads: bool = False,
    ) -> ApiResponse:
        """The final answer, successes and refusals alike: look at its status, or ask for its `result()`.

        A change is sent once; what reads is repeated. GET reads; `reads` says the same of a POST that changes
        nothing over there.
        """
        call = Call(method, path, self._policy, reads=reads or method == "GET")
        call.params, call.json, call.headers = params, json, headers or {}
        status = None
        try:
            answer = await self._persist(call)
            status = answer.status
        finally:
            # The query stays out: it may hold what a person typed.
            took = round((time.monotonic() - call.started) * 1000)
            log.info(
                "http_call",
                method=method,
                host=call.host,
                path=path,
                status=status,
                sent=call.sent,
                duration_ms=took,
            )
        return answer

    async def _persist(self, call: Call) -> ApiResponse:
        try:
            return await self._attempts(call)
        except AccessRenewed as last:
            return last.answer
        except (TransientError, UnexpectedResponse) as error:
            if call.may_have_acted:
                later = error.retry_after if isinstance(error, TransientError) else None
                raise OutcomeUnknown(str(error), status=error.status, retry_after=later) from error
            if isinstance(error, GarbledResponse):
                raise UnexpectedResponse(str(error), status=error.status) from error
            raise

    async def _attempts(self, call: Call) -> ApiResponse:
        async for attempt in call.attempts():
            with attempt:
                return await self._attempt(call)
        raise AssertionError("a call ends with an answer or an error")

    async def _attempt(self, call: Call) -> ApiResponse:
        if self._budget is not None:
            async with call.waiting():
                await self._budget.spend()
        access = await self._access(call)
        answer = await self._send(call, access)
        if answer.is_transient:
            raise await self._transient(call, answer)
        if answer.status in self._policy.renew_on and not call.renewed:
            call.renewed = True
            if await self._source.renewed(access) is not None:
                raise AccessRenewed(answer)
        return answer

    async def _access(self, call: Call) -> Access:
        try:
            return await self._source.current()
        except TransientError as error:
            if error.retry_after is not None:
                await self._hold(call, error.retry_after)
            raise

    async def _hold(self, call: Call, seconds: float) -> None:
        """With a budget everyone waits, and the time is not the call's."""
        if self._budget is not None:
            await self._budget.pause(min(seconds, LONGEST_HOLD))
            call.held = True

    async def _transient(self, call: Call, answer: ApiResponse) -> TransientError:
        if answer.is_garbled:
            call.doubt()
            return GarbledResponse(
                f"{answer.call} answered {answer.status} with what is not JSON", status=answer.status
            )
        call.held = False
        if not answer.is_throttled:
            call.doubt()
            return TransientError(str(error_of(answer)), retry_after=answer.retry_after, status=answer.status)
        pause = call.pause_after(answer)
        await self._hold(call, pause)
        return TransientError(str(error_of(answer)), retry_after=pause, status=answer.status)

    async def _send(self, call: Call, access: Access) -> ApiResponse:
        request = self._build(call, access)
        call.sent += 1
        call.host = request.url.netloc.decode()
        named = f"{call.method} {call.host}{request.url.path}"
        try:
            async with asyncio.timeout(max(call.left, 0.0)):
                return await self._exchange(request, named, access.secrets)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TransientError(f"{named} could not connect: {error}") from error
        except httpx.LocalProtocolError:
            # Not chained: the library quotes the header value that it could not send.
            raise PermanentError(
                f"{named} cannot be sent: a header has characters that HTTP forbids"
            ) from None
        except httpx.DecodingError as error:
            call.doubt()
            raise GarbledResponse(f"{named} answered with a body that cannot be decoded") from error
        except (httpx.TransportError, TimeoutError) as error:
            call.doubt()
            raise TransientError(f"{named} got no answer: {type(error).__name__}") from error
        except UnexpectedResponse:
            call.doubt()
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

    async def _exchange(self, request: httpx.Request, named: str, secrets: tuple[str, ...]) -> ApiResponse:
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for part in response.aiter_bytes():
                body += part
                # The transport counts what arrives; here counts what it unpacks to.
                if len(body) > self._policy.max_body:
                    raise UnexpectedResponse(f"{named} answered with more than {self._policy.max_body} bytes")
        finally:
            await response.aclose()
        return parse_response(
            named, response.status_code, dict(response.headers), bytes(body), secrets=secrets
        )

    def _checked(self, base_url: str) -> Access:
        is_exempt(origin_of(base_url), self._allowed)
        return Access(base_url, {})
