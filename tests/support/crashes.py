"""Killing one service at a named point of the live system, and judging what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr
from reviewed_system import Told

from billing.audit.chain import ChainHead, verify
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings, RedisSettings
from shared.status_channel import StatusChannel
from standalone.child_process import ChildProcess

Json = dict[str, Any]

TAKEOVER = {"TRUEUP_TEST_TAKEOVER_SECONDS": "4"}
"""For services that are to be killed: what a dead one held is free after so long."""

_PATIENCE = 120.0
_GLANCE = 0.05


@dataclass(frozen=True, slots=True)
class Crash:
    """A service armed to die at a point."""

    part: ChildProcess
    where: str

    async def came(self) -> None:
        """The process died by its own hand, at the point: its last words say so."""
        async with asyncio.timeout(_PATIENCE):
            while self.part.running:
                await asyncio.sleep(_GLANCE)
        said = self.part.log_path.read_text("utf-8", "replace").splitlines()
        assert f"crash point reached: {self.where}" in said


@asynccontextmanager
async def armed(told: Told, service: str, where: str) -> AsyncIterator[Crash]:
    """The service started anew to die at `where`; afterwards it runs as it did before."""
    part = told.system.parts[service]
    before = part.env
    await part.stop()
    part.env = {**before, "TRUEUP_CRASH_AT": where, "TRUEUP_TEST_CRASHES": "yes"}
    await part.start()
    try:
        yield Crash(part, where)
    finally:
        await part.stop()
        part.env = before
        await part.start()


async def differ(told: Told, part: str) -> Json:
    """The vendor's count of the part's line grows by one seat; returns the line as it is then shown."""
    [subscription] = [
        row
        for row in (await told.control("GET", "state"))["ingram-micro"]["subscriptions"]
        if row["id"] == told.story.scenario["parts"][part]["subscription_ids"][0]
    ]
    quantity = subscription["products"][0]["quantity"] + 1
    await told.control(
        "POST", "changes", {"subscriptions": [{"id": subscription["id"], "quantity": quantity}]}
    )
    await told.synced()
    await told.story.review()
    return told.story.line_of(part)


async def approve_until_answered(told: Told, line: Json) -> Json:
    """As a careful client does: the same request under the same key until there is an answer."""
    key = str(uuid4())
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                path = f"/usage/{line['line_id']}/approvals"
                return dict(await told.desk.ask("POST", "billing", path, {"seal": line["seal"]}, key=key))
            except httpx.TransportError:
                await asyncio.sleep(_GLANCE)


async def finished_details(told: Told, run_id: str) -> set[str]:
    """The subscriptions whose detail the run has done with, as its stored to-do list says."""
    url = SecretStr(told.system.servers.mongo_url)
    mongo = Mongo(MongoSettings(url=url, database="vendor-sync"))
    rows = await mongo.all_tenants("subscriptions").find({"run_id": run_id, "state": {"$ne": "due"}})
    await mongo.close()
    return {str(row["row"]["subscription_id"]) for row in rows}


async def open_run(told: Told) -> str:
    """The marketplace run that the status channel shows as going on."""
    live = StatusChannel(RedisSettings(url=SecretStr(told.system.servers.redis_url)))
    status = (await live.snapshot(told.system.credentials.tenant_id))[told.story.vendor_id]
    await live.close()
    assert status.outcome is None
    return status.run_id


async def details_asked(told: Told, since: int) -> dict[str, int]:
    """How often each subscription's detail was asked for after the call numbered `since`."""
    calls = (await told.sandbox.get(f"/_sandbox/calls?after={since}&provider=ingram-micro")).json()["calls"]
    counts: dict[str, int] = {}
    for call in calls:
        head, _, subscription_id = call["path"].rpartition("/")
        if head.endswith("/subscriptions"):
            counts[subscription_id] = counts.get(subscription_id, 0) + 1
    return counts


async def audit_holds(told: Told) -> None:
    """The exported audit log verifies from its first entry to the head that came with it."""
    url = f"{told.system.urls['billing']}/audit"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = (await client.get(url, headers=told.desk.headers)).raise_for_status()
    head = ChainHead(int(answer.headers["audit-head-seq"]), answer.headers["audit-head-hash"])
    assert verify(answer.text.splitlines(), head=head).intact


async def lines_say_what_their_inputs_do(told: Told) -> None:
    """Both counts of every line, against the simulated providers themselves."""
    state = await told.control("GET", "state")
    sold = {row["id"]: row for row in state["ingram-micro"]["subscriptions"]}
    billed = {str(row["id"]): row["quantity"] for row in await told.control("GET", "additions")}
    for line in await told.story.review():
        evidence = line["evidence"]
        if line["vendor_count"]["number"] is not None:
            seats = sum(_seats(sold[item["subscription_id"]]) for item in evidence["items"])
            assert Decimal(line["vendor_count"]["number"]) == seats, line
        if len(evidence["billed"]) == 1:
            assert Decimal(line["psa_count"]["number"]) == Decimal(
                str(billed[evidence["billed"][0]["line_id"]])
            )


def _seats(subscription: Json) -> Decimal:
    if subscription["status"] not in {"active", "hold"}:
        return Decimal(0)
    return sum((Decimal(str(product["quantity"])) for product in subscription["products"]), Decimal(0))
