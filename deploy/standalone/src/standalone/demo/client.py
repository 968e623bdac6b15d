"""A billing person's desk: Trueup's HTTP APIs as a person's programs use them."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self
from uuid import uuid4

import httpx

from shared.errors import PermanentError
from standalone.demo.failure import DemoFailure

Json = dict[str, Any]

_PATIENCE = 60.0
_GLANCE = 0.2
_PAGE = 200


class DemoClient:
    """Signed in at all services; `urls` names them. Raises `DemoFailure` with what a service answered."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls
        self._stack = AsyncExitStack()
        self._client = httpx.AsyncClient(timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._client)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def sign_in(self, email: str, password: str) -> str:
        """Returns the person's name."""
        session = await self.ask("POST", "auth", "/sessions", {"email": email, "password": password})
        self._client.headers["Authorization"] = f"Bearer {session['token']}"
        return str(session["person"]["name"])

    @property
    def headers(self) -> dict[str, str]:
        """What identifies the person, for calls of another kind than these."""
        return {"Authorization": self._client.headers["Authorization"]}

    async def ask(
        self, method: str, service: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Any:
        """One call; `key` makes a decision safe to repeat."""
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self._urls[service]}{path}"
        answer = await self._client.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            raise DemoFailure(answer.status_code, _document(answer))
        return answer.json() if answer.content else None

    async def all(self, service: str, path: str, name: str) -> list[Json]:
        """Every row of a paged list."""
        rows: list[Json] = []
        after: str | None = ""
        while after is not None:
            page = await self._page(service, path, after)
            rows += page[name]
            after = page["next"]
        return rows

    async def _page(self, service: str, path: str, after: str) -> Json:
        url = httpx.URL(f"{self._urls[service]}{path}").copy_merge_params({"limit": _PAGE})
        answer = await self._client.get(url.copy_merge_params({"after": after}) if after else url)
        if not answer.is_success:
            raise DemoFailure(answer.status_code, _document(answer))
        return dict(answer.json())

    async def statuses(self) -> AsyncIterator[Json]:
        """The live status documents as the console streams them."""
        async with self._client.stream("GET", f"{self._urls['console']}/events", timeout=60) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def synced(self, integration_ids: set[str], sync_id: str | None = None) -> dict[str, str]:
        """Wait until billing has stored the reconciliation of each; returns the outcomes."""
        outcomes: dict[str, str] = {}
        async with _patience(f"the reconciliation of {', '.join(sorted(integration_ids))}"):
            async for status in self.statuses():
                wanted = sync_id is None or status["sync_id"] == sync_id
                if wanted and status["outcome"] and status["integration_id"] in integration_ids:
                    outcomes[status["integration_id"]] = status["outcome"]
                if set(outcomes) == integration_ids:
                    break
        return outcomes

    async def approve(self, line: Json, quantity: str | None = None) -> Json:
        """Decide on the line as it was shown."""
        body = {"seal": line["seal"]} | ({"quantity": quantity} if quantity is not None else {})
        path = f"/usage/{line['line_id']}/approvals"
        return dict(await self.ask("POST", "billing", path, body, key=str(uuid4())))

    async def settled(self, approval_id: str) -> Json:
        """Wait until the PSA's answer to an approval is known."""
        async with _patience(f"the end of the approval {approval_id}"):
            while True:
                approval = await self.ask("GET", "billing", f"/approvals/{approval_id}")
                if approval["state"] != "commanded":
                    return dict(approval)
                await asyncio.sleep(_GLANCE)


@asynccontextmanager
async def _patience(what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except TimeoutError:
        raise PermanentError(f"waited {_PATIENCE:.0f} s for {what} in vain: see the logs") from None


def _document(answer: httpx.Response) -> Json:
    try:
        return dict(answer.json())
    except ValueError:
        return {"detail": answer.text[:500]}
