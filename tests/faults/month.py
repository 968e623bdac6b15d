"""Plays a scripted month: connect, map, sync, approve; then rounds of changes, synced and approved."""

# The ledger is the specification: it holds what the PSA must contain, derived from nothing but what was done.
#
#   somebody changes line 901 by hand to 7      billed[901] = 7
#   a person approves line 901 at 9             billed[901] = 9, writes[901] = [9]
#   a person approves line 902 at what it holds nothing to write
#
# An approval counts from the moment at which its call was answered.  The same seed plays the same month; each
# round has a generator of its own, so a round does not depend on how often calls were repeated before it.

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import httpx
from aiokafka.errors import KafkaError
from history import History
from persistent_client import DeadlineExceeded, PersistentClient, wait_for
from topics import TopicContents, read_topics

from shared.contracts import Observation, psa_sync, vendor_sync
from shared.runtime.settings import KafkaSettings
from standalone.demo.client import Json
from standalone.demo.failure import DemoFailure
from standalone.demo.story import DemoStory

APPROVALS_PER_ROUND = 6
CHANGES_PER_ROUND = 8
_LISTS: dict[tuple[str, str], type[Observation]] = {
    ("/accounts?side=vendor", "accounts"): vendor_sync.VendorAccountObserved,
    ("/accounts?side=psa", "accounts"): psa_sync.PsaAccountObserved,
    ("/products", "products"): psa_sync.ProductObserved,
    ("/services", "services"): vendor_sync.ServiceObserved,
}
_APPROVABLE_CLASSES = {"vendor-higher", "psa-higher", "ended-still-billed"}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of the person that billing has answered as recorded."""

    approval_id: str
    line_id: str
    """The PSA's id of the agreement line."""
    target: Decimal
    key: str


@dataclass(slots=True)
class Ledger:
    """What the PSA must hold and must have been asked to write."""

    billed: dict[str, Decimal]
    """The quantity of every agreement line, by line id."""
    decisions: list[Decision] = field(default_factory=list)
    writes: dict[str, list[Decimal]] = field(default_factory=dict)
    """The quantities that must have been written to each line, oldest first."""

    def add(self, decision: Decision) -> None:
        """Count a decision; its number is written if the line holds another."""
        self.decisions.append(decision)
        if self.billed[decision.line_id] != decision.target:
            self.billed[decision.line_id] = decision.target
            self.writes.setdefault(decision.line_id, []).append(decision.target)


@dataclass(slots=True)
class ScriptedMonth:
    """The person's client, the providers' control API, and what was done with both so far."""

    client: PersistentClient
    sandbox: httpx.AsyncClient
    story: DemoStory
    ledger: Ledger
    history: History
    kafka: KafkaSettings
    seed: int
    first_decision: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from the first decision of a round on."""

    async def run_round(self, number: int) -> None:
        """Play one round, from the first call to the last confirmed write."""
        rng = Random(f"{self.seed} month {number}")  # noqa: S311  a script, not a secret
        if number == 1:
            await self._begin()
            integrations = {
                "vendor_integration_id": self.story.vendor_id,
                "psa_integration_id": self.story.psa_id,
            }
            key = _key(Random(self.seed))  # noqa: S311  a script, not a secret
            answer = await self.client.request("POST", "matcher", "/finish", integrations, key=key)
            await self._wait_for_sync(str(answer["finish_id"]))
        else:
            await self._change(number, rng)
            # Every fifth run is a quick one, as a scheduler would mix them.
            kind = "quick" if number % 5 == 0 else "full"
            started = await self.client.request("POST", "billing", "/syncs", {"kind": kind})
            await self._wait_for_sync(started["sync_id"])
        await self._approve(rng)

    async def _begin(self) -> None:
        await self.story.connect(await self.control("GET", "credentials"))
        await wait_for("the first runs", self._first_runs_complete)
        contents = await wait_for("Kafka to be read", self._topic_contents)
        await wait_for("matcher to know everything", partial(self._matcher_lists_all, contents))
        for kind, decided in (await self.story.map_manually()).items():
            self.history.record("info", f"{kind} mapped by hand", decided=decided)

    async def _topic_contents(self) -> TopicContents | None:
        """Return what the topics hold; None while Kafka, which may be the victim, does not answer."""
        try:
            return await read_topics(self.kafka)
        except KafkaError:
            return None

    async def _change(self, number: int, rng: Random) -> None:
        """Change seats at the vendor and two lines by hand in the PSA; in round 2 the month, too."""
        if number == 2:
            await self.control("POST", "month-passes")
        state = await self.control("GET", "state")
        active = [
            row
            for row in state["ingram-micro"]["subscriptions"]
            if row["status"] == "active" and row.get("products")
        ]
        changed = [_change_seats(row, rng) for row in rng.sample(active, CHANGES_PER_ROUND)]
        additions = [
            {"id": int(line), "quantity": rng.randint(1, 50)}
            for line in rng.sample(sorted(self.ledger.billed), 2)
        ]
        await self.control("POST", "changes", {"subscriptions": changed, "additions": additions})
        self.history.record("info", "changed", subscriptions=changed, additions=additions)
        self.ledger.billed |= {str(line["id"]): Decimal(line["quantity"]) for line in additions}

    async def _wait_for_sync(self, sync_id: str) -> None:
        async def both_reconciled() -> bool | None:
            runs = await self.runs()
            done = {run["integration_id"] for run in runs if sync_id in run["sync_ids"] and _reconciled(run)}
            return done >= {self.story.vendor_id, self.story.psa_id} or None

        await wait_for(f"the reconciliation of sync {sync_id}", both_reconciled)

    async def _approve(self, rng: Random) -> None:
        lines = [line for line in await self.story.review() if _is_approvable(line)]
        self.first_decision.set()
        decisions = [await self._decide(line, rng) for line in lines[:APPROVALS_PER_ROUND]]
        for decision in decisions:
            if decision:
                await wait_for(
                    f"the end of approval {decision.approval_id}", partial(self._written_approval, decision)
                )

    async def _decide(self, line: Json, rng: Random) -> Decision | None:
        key = _key(rng)
        path = f"/usage/{line['line_id']}/approvals"
        try:
            approval = await self.client.request("POST", "billing", path, {"seal": line["seal"]}, key=key)
        except DemoFailure as refusal:
            # The line has changed since it was shown: a careful person looks again next time.
            if refusal.status != 409:
                raise
            return None
        target = Decimal(line["vendor_count"]["number"])
        decision = Decision(approval["approval_id"], str(approval["agreement_line_id"]), target, key)
        self.ledger.add(decision)
        return decision

    async def _written_approval(self, decision: Decision) -> Json | None:
        approval = await self.client.request("GET", "billing", f"/approvals/{decision.approval_id}")
        if approval["state"] not in {"commanded", "written"}:
            raise DeadlineExceeded(
                f"approval {decision.approval_id} ended {approval['state']}: {approval['detail']}"
            )
        return dict(approval) if approval["state"] == "written" else None

    async def _first_runs_complete(self) -> bool | None:
        runs = [run for run in await self.runs() if _reconciled(run) and run["verdict"] == "complete"]
        return {run["integration_id"] for run in runs} == {self.story.vendor_id, self.story.psa_id} or None

    async def _matcher_lists_all(self, contents: TopicContents) -> bool | None:
        """Return True once everything that was observed is in matcher's lists, else None."""
        for (path, name), model in _LISTS.items():
            expected = sum(thing.present for thing in contents.newest(model))
            if len(await self.client.list_all("matcher", path, name)) < expected:
                return None
        return True

    async def runs(self) -> list[Json]:
        """Return the runs as billing closed them, newest first."""
        return await self.client.list_all("billing", "/runs", "runs")

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the sandbox's control API; the sandbox is never killed, so it answers."""
        answer = await self.sandbox.request(method, f"/_sandbox/{path}", json=body)
        return answer.raise_for_status().json()


def _key(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _change_seats(row: Json, rng: Random) -> Json:
    """End one subscription in eight, and give the others another number of seats."""
    if rng.random() < 1 / CHANGES_PER_ROUND:
        return {"id": row["id"], "status": "terminated"}
    return {"id": row["id"], "quantity": rng.randint(1, 60)}


def _reconciled(run: Json) -> bool:
    return bool(run["state"] == "reconciled")


def _is_approvable(line: Json) -> bool:
    has_one_line, number = len(line["evidence"]["billed"]) == 1, line["vendor_count"]["number"]
    return bool(line["line_class"] in _APPROVABLE_CLASSES and has_one_line and number is not None)
