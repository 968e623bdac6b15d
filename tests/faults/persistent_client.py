"""A client whose calls are repeated, under the same key, until they are answered."""

# What the history records of a call that changes something is what its caller knows (Jepsen's words):
#
#   invoke → ok      it was done               invoke → fail    it was refused, and not done
#   invoke → info    unknown: no answer, or a 5xx; the call is made again under the same idempotency key
#
# Only ok and fail end a call.  A call that is never answered ends the round: `DeadlineExceeded`.

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
from history import History

from billing.audit.chain import ChainHead
from shared.errors import PermanentError
from standalone import time_limit
from standalone.demo.client import DemoClient, Json
from standalone.demo.failure import DemoFailure

T = TypeVar("T")

TIMEOUT_SECONDS = 1.5 * time_limit.TIMEOUT_SECONDS
"""After this long something is not coming any more."""
_POLL_SECONDS = 0.25


class DeadlineExceeded(PermanentError):
    """Something did not happen in the time in which it must."""


class PersistentClient(DemoClient):
    """A demo client that repeats every call until it is answered with a success or a refusal."""

    def __init__(self, urls: Mapping[str, str], history: History) -> None:
        super().__init__(urls)
        self._history = history

    async def request(
        self, method: str, service: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Any:
        async def call() -> Any:
            return await super(PersistentClient, self).request(method, service, path, body, key=key)

        return await self._repeat(call, f"{method} {service}{path}", recorded=method != "GET", key=key)

    async def export_audit(self) -> tuple[list[str], ChainHead]:
        """Return the lines of the audit log, and the head that came with them."""

        async def call() -> tuple[list[str], ChainHead]:
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
                answer = await client.get(f"{self._urls['billing']}/audit", headers=self.headers)
            if not answer.is_success:
                raise DemoFailure(answer.status_code, {"detail": answer.text[:500]})
            head = ChainHead(int(answer.headers["audit-head-seq"]), answer.headers["audit-head-hash"])
            return answer.text.splitlines(), head

        return await self._repeat(call, "GET billing/audit", recorded=False)

    async def _page(self, service: str, path: str, after: str) -> Json:
        async def call() -> Json:
            return await super(PersistentClient, self)._page(service, path, after)

        return await self._repeat(call, f"GET {service}{path}", recorded=False)

    async def _repeat(
        self, call: Callable[[], Awaitable[T]], what: str, *, recorded: bool, key: str | None = None
    ) -> T:
        def record(kind: str, **more: Any) -> None:
            if recorded:  # reads change nothing: they have no place in the history
                self._history.record(kind, what, key=key, **more)

        deadline = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            record("invoke")
            try:
                answer = await call()
            except httpx.TransportError as error:
                record("info", error=repr(error))
            except DemoFailure as refusal:
                final = refusal.status is not None and refusal.status < 500
                record("fail" if final else "info", error=str(refusal))
                if final:
                    raise
            else:
                record("ok")
                return answer
            await asyncio.sleep(_POLL_SECONDS)
        raise DeadlineExceeded(f"{what} had no answer in {TIMEOUT_SECONDS:.0f} s")


async def wait_for(
    what: str, check: Callable[[], Awaitable[T | None]], *, timeout_seconds: float = TIMEOUT_SECONDS
) -> T:
    """Return the check's first answer other than None; raises `DeadlineExceeded` if there is none in time."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        found = await check()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise DeadlineExceeded(f"waited {timeout_seconds:.0f} s for {what} in vain")
        await asyncio.sleep(_POLL_SECONDS)
