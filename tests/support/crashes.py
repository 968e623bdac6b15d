"""Kills one service of the live system at a named point, and checks what is left afterwards."""

# Each service of a system that is to crash watches a file (`crash_files`), and dies by SIGKILL as it reaches
# the point that is written there: it is armed while it runs.  The file is removed, and the service started
# again, however the test ends, so that the next test finds a service that lives.  `Crash.wait` demands the
# point's own line in the log: a process that died elsewhere, or was never armed, does not pass for a crash.

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr
from reviewed_system import ReviewedSystem

from billing.audit.chain import ChainHead, verify
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings, RedisSettings
from shared.status_channel import StatusChannel
from standalone.child_process import ChildProcess
from standalone.services import SERVICES

Json = dict[str, Any]

TAKEOVER = {"TRUEUP_TEST_TAKEOVER_SECONDS": "4"}
"""For services that are to be killed: what a dead one held is free after so long."""

_TIMEOUT_SECONDS = 120.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Crash:
    """A service that is armed to crash at a point."""

    process: ChildProcess
    point: str

    async def wait(self) -> None:
        """Wait until the process has killed itself at the point, as the end of its log says."""
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while self.process.running:
                await asyncio.sleep(_POLL_SECONDS)
        log = self.process.log_path.read_text("utf-8", "replace").splitlines()
        assert f"crash point reached: {self.point}" in log


def crash_files(data_dir: Path) -> dict[str, dict[str, str]]:
    """Return the environment of each service by which a file in the directory can arm it."""
    return {
        service: {"TRUEUP_TEST_CRASHES": "yes", "TRUEUP_CRASH_AT": f"@{data_dir / f'crash-{service}'}"}
        for service in SERVICES
    }


@asynccontextmanager
async def armed_to_crash(reviewed: ReviewedSystem, service: str, point: str) -> AsyncIterator[Crash]:
    """Let the service crash at `point`; start it again when the block ends, if it has crashed."""
    process = reviewed.system.processes[service]
    try:
        with _named_in(Path(process.env["TRUEUP_CRASH_AT"].removeprefix("@")), point):
            yield Crash(process, point)
    finally:
        if not process.running:
            await process.start()


@contextmanager
def _named_in(file: Path, point: str) -> Iterator[None]:
    fresh = file.with_suffix(".fresh")
    fresh.write_text(point, "utf-8")
    fresh.replace(file)  # never read half
    try:
        yield
    finally:
        file.unlink()


async def add_one_seat(reviewed: ReviewedSystem, part: str) -> Json:
    """Raise the vendor's count of the part's line by one seat, sync, and return the line as shown then."""
    [subscription] = [
        row
        for row in (await reviewed.control("GET", "state"))["ingram-micro"]["subscriptions"]
        if row["id"] == reviewed.story.scenario["parts"][part]["subscription_ids"][0]
    ]
    quantity = subscription["products"][0]["quantity"] + 1
    await reviewed.control(
        "POST", "changes", {"subscriptions": [{"id": subscription["id"], "quantity": quantity}]}
    )
    await reviewed.sync()
    await reviewed.story.review()
    return reviewed.story.line_of(part)


async def approve_until_answered(reviewed: ReviewedSystem, line: Json) -> Json:
    """Send the same approval under the same key until there is an answer, as a careful client does."""
    key = str(uuid4())
    path = f"/usage/{line['line_id']}/approvals"
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while True:
            try:
                return dict(
                    await reviewed.client.request("POST", "billing", path, {"seal": line["seal"]}, key=key)
                )
            except httpx.TransportError:
                await asyncio.sleep(_POLL_SECONDS)


async def decide_until_answered(reviewed: ReviewedSystem, body: Json) -> Json:
    """Send the same decisions on mappings under the same key until there is an answer."""
    key = str(uuid4())
    async with asyncio.timeout(_TIMEOUT_SECONDS):
        while True:
            try:
                return dict(await reviewed.client.request("POST", "matcher", "/mappings", body, key=key))
            except httpx.TransportError:
                await asyncio.sleep(_POLL_SECONDS)


async def read_audit(reviewed: ReviewedSystem) -> list[Json]:
    """Return the entries of the audit log, which verifies."""
    return [json.loads(line) for line in await assert_audit_verifies(reviewed)]


async def read_finished_details(reviewed: ReviewedSystem, run_id: str) -> set[str]:
    """Return the subscriptions whose detail the run has finished, as its stored queue says."""
    url = SecretStr(reviewed.system.servers.mongo_url)
    mongo = Mongo(MongoSettings(url=url, database="vendor-sync"))
    rows = await mongo.all_tenants("subscriptions").find({"run_id": run_id, "state": {"$ne": "due"}})
    await mongo.close()
    return {str(row["row"]["subscription_id"]) for row in rows}


async def read_open_run_id(reviewed: ReviewedSystem) -> str:
    """Return the marketplace run that the status channel shows as in progress."""
    channel = StatusChannel(RedisSettings(url=SecretStr(reviewed.system.servers.redis_url)))
    status = (await channel.snapshot(reviewed.system.credentials.tenant_id))[reviewed.story.vendor_id]
    await channel.close()
    assert status.outcome is None
    return status.run_id


async def count_detail_calls(reviewed: ReviewedSystem, since: int) -> dict[str, int]:
    """Return how often each subscription's detail was requested after the call numbered `since`."""
    path = f"/_sandbox/calls?after={since}&provider=ingram-micro"
    counts: dict[str, int] = {}
    for call in (await reviewed.sandbox.get(path)).json()["calls"]:
        resource, _, subscription_id = call["path"].rpartition("/")
        if resource.endswith("/subscriptions"):
            counts[subscription_id] = counts.get(subscription_id, 0) + 1
    return counts


async def assert_audit_verifies(reviewed: ReviewedSystem) -> list[str]:
    """Assert that the exported audit log verifies from its first entry to its head; return its lines."""
    url = f"{reviewed.system.urls['billing']}/audit"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        answer = (await http.get(url, headers=reviewed.client.headers)).raise_for_status()
    head = ChainHead(int(answer.headers["audit-head-seq"]), answer.headers["audit-head-hash"])
    assert verify(answer.text.splitlines(), head=head).intact
    return answer.text.splitlines()


async def assert_lines_match_providers(reviewed: ReviewedSystem) -> None:
    """Assert that both counts of every line are those of the simulated providers themselves."""
    state = await reviewed.control("GET", "state")
    sold = {row["id"]: row for row in state["ingram-micro"]["subscriptions"]}
    billed = {str(row["id"]): row["quantity"] for row in await reviewed.control("GET", "additions")}
    for line in await reviewed.story.review():
        evidence = line["evidence"]
        if line["vendor_count"]["number"] is not None:
            seats = sum(_billable_seats(sold[item["subscription_id"]]) for item in evidence["items"])
            assert Decimal(line["vendor_count"]["number"]) == seats, line
        if len(evidence["billed"]) == 1:
            assert Decimal(line["psa_count"]["number"]) == Decimal(
                str(billed[evidence["billed"][0]["line_id"]])
            )


def _billable_seats(subscription: Json) -> Decimal:
    if subscription["status"] not in {"active", "hold"}:
        return Decimal(0)
    return sum((Decimal(str(product["quantity"])) for product in subscription["products"]), Decimal(0))
