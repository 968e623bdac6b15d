"""A person whose programs do not give up: what gets no answer is asked again, under the same key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
from history import History

from billing.audit.chain import ChainHead
from shared.errors import PermanentError
from standalone.demo.client import DemoClient, Json
from standalone.demo.failure import DemoFailure

T = TypeVar("T")

PATIENCE = 90.0
"""Seconds after which something is not coming any more."""
_GLANCE = 0.25


class InVain(PermanentError):
    """Waited for something that should have come long ago."""


class Person(DemoClient):
    """A desk at which every call is made until it is answered with anything but trouble."""

    def __init__(self, urls: Mapping[str, str], history: History) -> None:
        super().__init__(urls)
        self._history = history

    async def ask(
        self, method: str, service: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Any:
        async def once() -> Any:
            return await super(Person, self).ask(method, service, path, body, key=key)

        return await self._answered(once, f"{method} {service}{path}", told=method != "GET", key=key)

    async def audit(self) -> tuple[list[str], ChainHead]:
        """The export's lines, and the head that came with it."""

        async def once() -> tuple[list[str], ChainHead]:
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
                answer = await client.get(f"{self._urls['billing']}/audit", headers=self.headers)
            if not answer.is_success:
                raise DemoFailure(answer.status_code, {"detail": answer.text[:500]})
            head = ChainHead(int(answer.headers["audit-head-seq"]), answer.headers["audit-head-hash"])
            return answer.text.splitlines(), head

        return await self._answered(once, "GET billing/audit", told=False)

    async def _page(self, service: str, path: str, after: str) -> Json:
        async def once() -> Json:
            return await super(Person, self)._page(service, path, after)

        return await self._answered(once, f"GET {service}{path}", told=False)

    async def _answered(
        self, once: Callable[[], Awaitable[T]], what: str, *, told: bool, key: str | None = None
    ) -> T:
        note = self._history.note if told else _nothing
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            note("invoke", what, key=key)
            try:
                answer = await once()
            except httpx.TransportError as error:
                note("info", what, key=key, error=repr(error))
            except DemoFailure as refusal:
                final = refusal.status is not None and refusal.status < 500
                note("fail" if final else "info", what, key=key, error=str(refusal))
                if final:
                    raise
            else:
                note("ok", what, key=key)
                return answer
            await asyncio.sleep(_GLANCE)
        raise InVain(f"{what} had no answer in {PATIENCE:.0f} s")


async def until(what: str, holds: Callable[[], Awaitable[T | None]], *, within: float = PATIENCE) -> T:
    """The first answer that is not None; raises `InVain` when there is none in time."""
    end = time.monotonic() + within
    while True:
        found = await holds()
        if found is not None:
            return found
        if time.monotonic() > end:
            raise InVain(f"waited {within:.0f} s for {what} in vain")
        await asyncio.sleep(_GLANCE)


def _nothing(*_: Any, **__: Any) -> None:
    """Reads change nothing: they need no place in the history."""
