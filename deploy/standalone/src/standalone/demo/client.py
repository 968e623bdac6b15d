"""Calls Trueup's HTTP APIs as a billing person's programs do."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self
from uuid import uuid4

import httpx

from shared.errors import PermanentError
from standalone.demo.failure import DemoFailure
from standalone.time_limit import TIMEOUT_SECONDS

Json = dict[str, Any]

_POLL_SECONDS = 0.2
_PAGE_SIZE = 200


class DemoClient:
    """A person's session at all services, whose addresses `urls` holds by name.

    Every call raises `DemoFailure` with the problem document when a service does not answer with success.
    """

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
        """Sign in for all further calls and return the person's name."""
        session = await self.request("POST", "auth", "/sessions", {"email": email, "password": password})
        self._client.headers["Authorization"] = f"Bearer {session['token']}"
        return str(session["person"]["name"])

    @property
    def headers(self) -> dict[str, str]:
        """Headers that identify the person, for calls that this client does not make."""
        return {"Authorization": self._client.headers["Authorization"]}

    async def request(
        self, method: str, service: str, path: str, body: Any = None, *, key: str | None = None
    ) -> Any:
        """Make one call and return its JSON; an idempotency `key` makes a decision safe to repeat."""
        headers = {"Idempotency-Key": key} if key else {}
        url = f"{self._urls[service]}{path}"
        answer = await self._client.request(method, url, json=body, headers=headers)
        if not answer.is_success:
            raise DemoFailure(answer.status_code, _problem_document(answer))
        return answer.json() if answer.content else None

    async def list_all(self, service: str, path: str, name: str) -> list[Json]:
        """Return every row of a paged list; `name` is the page's field that holds the rows."""
        rows: list[Json] = []
        after: str | None = ""
        while after is not None:
            page = await self._page(service, path, after)
            rows += page[name]
            after = page["next"]
        return rows

    async def _page(self, service: str, path: str, after: str) -> Json:
        url = httpx.URL(f"{self._urls[service]}{path}").copy_merge_params({"limit": _PAGE_SIZE})
        answer = await self._client.get(url.copy_merge_params({"after": after}) if after else url)
        if not answer.is_success:
            raise DemoFailure(answer.status_code, _problem_document(answer))
        return dict(answer.json())

    async def stream_statuses(self) -> AsyncIterator[Json]:
        """Yield the status documents of runs as the console streams them to a browser."""
        async with self._client.stream("GET", f"{self._urls['console']}/events", timeout=60) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def wait_for_sync(self, integration_ids: set[str], sync_id: str | None = None) -> dict[str, str]:
        """Wait until billing has stored the reconciliation of each integration; return the outcomes by id.

        Without a `sync_id` the first outcome of each counts, whichever run it is of.
        """
        outcomes: dict[str, str] = {}
        async with _time_limit(f"the reconciliation of {', '.join(sorted(integration_ids))}"):
            async for status in self.stream_statuses():
                matches = sync_id is None or status["sync_id"] == sync_id
                if matches and status["outcome"] and status["integration_id"] in integration_ids:
                    outcomes[status["integration_id"]] = status["outcome"]
                if set(outcomes) == integration_ids:
                    break
        return outcomes

    async def wait_for_mappings(self, vendor_account_ids: set[str]) -> None:
        """Wait until all of these accounts are mapped."""
        async with _time_limit("the mappings of equal names"):
            while True:
                path = "/mappings?kind=account&decision=approved"
                mappings = await self.list_all("matcher", path, "mappings")
                if vendor_account_ids <= {mapping["vendor_id"] for mapping in mappings}:
                    return
                await asyncio.sleep(_POLL_SECONDS)

    async def approve(self, line: Json, quantity: str | None = None) -> Json:
        """Approve the usage line as it was shown; returns the approval."""
        body = {"seal": line["seal"]} | ({"quantity": quantity} if quantity is not None else {})
        path = f"/usage/{line['line_id']}/approvals"
        return dict(await self.request("POST", "billing", path, body, key=str(uuid4())))

    async def wait_for_approval(self, approval_id: str) -> Json:
        """Wait until the PSA's answer to an approval is known; return the approval."""
        async with _time_limit(f"the end of the approval {approval_id}"):
            while True:
                approval = await self.request("GET", "billing", f"/approvals/{approval_id}")
                if approval["state"] != "commanded":
                    return dict(approval)
                await asyncio.sleep(_POLL_SECONDS)


@asynccontextmanager
async def _time_limit(awaited: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    except TimeoutError:
        raise PermanentError(f"waited {TIMEOUT_SECONDS:.0f} s for {awaited} in vain: see the logs") from None


def _problem_document(answer: httpx.Response) -> Json:
    try:
        return dict(answer.json())
    except ValueError:  # a proxy or a crash answers in plain text
        return {"detail": answer.text[:500]}
