"""A scripted month at the desk: connect, map, sync, approve; then changes, synced and approved."""

import asyncio
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

import httpx
from history import History
from person import InVain, Person, until
from topics import Said, everything_said

from shared.contracts import Observation, psa_sync, vendor_sync
from standalone.demo.client import Json
from standalone.demo.failure import DemoFailure
from standalone.demo.story import DemoStory

APPROVED_AT_ONCE = 6
CHANGED = 8
_LISTS: dict[tuple[str, str], type[Observation]] = {
    ("/accounts?side=vendor", "accounts"): vendor_sync.VendorAccountObserved,
    ("/accounts?side=psa", "accounts"): psa_sync.PsaAccountObserved,
    ("/products", "products"): psa_sync.ProductObserved,
    ("/services", "services"): vendor_sync.ServiceObserved,
}
_DIFFERENT = {"vendor-higher", "psa-higher", "ended-still-billed"}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the person decided, and was told that it is recorded."""

    approval_id: str
    line_id: str
    """The PSA's."""
    target: Decimal
    key: str


@dataclass(slots=True)
class Ledger:
    """What must be so, from what was done alone."""

    billed: dict[str, Decimal]
    """What the PSA must hold, by its line ids."""
    decisions: list[Decision] = field(default_factory=list)
    writes: dict[str, list[Decimal]] = field(default_factory=dict)
    """What must have been written to each line, oldest first."""

    def decided(self, decision: Decision) -> None:
        """An approved number is written if the line holds another."""
        self.decisions.append(decision)
        if self.billed[decision.line_id] != decision.target:
            self.billed[decision.line_id] = decision.target
            self.writes.setdefault(decision.line_id, []).append(decision.target)


@dataclass(slots=True)
class Month:
    """The person, the providers' own people, and what both have done so far."""

    person: Person
    sandbox: httpx.AsyncClient
    story: DemoStory
    ledger: Ledger
    history: History
    kafka: str
    seed: int
    deciding: asyncio.Event = field(default_factory=asyncio.Event)
    """Set from the first decision of a round on."""

    async def round(self, number: int) -> None:
        """One stretch of the month, from the first call to the last proven write."""
        dice = Random(f"{self.seed} month {number}")  # noqa: S311 (dice)  a script, not a secret
        if number == 1:
            await self._begin()
            await self._synced(await self._finished())
        else:
            await self._change(number, dice)
            started = await self.person.ask("POST", "billing", "/syncs", {"kind": _kind(number)})
            await self._synced(started["sync_id"])
        await self._approve(dice)

    async def _begin(self) -> None:
        await self.story.connect(await self.control("GET", "credentials"))
        await until("the first runs", self._discovered)
        said = await everything_said(self.kafka)
        await until("matcher to know everything", partial(self._known, said))
        for kind, decided in (await self.story.map_by_hand()).items():
            self.history.note("info", f"{kind} mapped by hand", decided=decided)

    async def _finished(self) -> str:
        ends = {"vendor_integration_id": self.story.vendor_id, "psa_integration_id": self.story.psa_id}
        answer = await self.person.ask("POST", "matcher", "/finish", ends, key=_key(Random(self.seed)))  # noqa: S311 (dice)
        return str(answer["finish_id"])

    async def _change(self, number: int, dice: Random) -> None:
        """At the vendor as customers do, in the PSA as somebody by hand; the script's own month too."""
        if number == 2:
            await self.control("POST", "month-passes")
        state = await self.control("GET", "state")
        active = [row for row in state["ingram-micro"]["subscriptions"] if _counted(row)]
        changed = [_reseated(row, dice) for row in dice.sample(active, CHANGED)]
        additions = [{"id": int(line), "quantity": dice.randint(1, 50)} for line in self._by_hand(dice)]
        await self.control("POST", "changes", {"subscriptions": changed, "additions": additions})
        self.history.note("info", "changed", subscriptions=changed, additions=additions)
        self.ledger.billed |= {str(one["id"]): Decimal(one["quantity"]) for one in additions}

    def _by_hand(self, dice: Random) -> list[str]:
        return dice.sample(sorted(self.ledger.billed), 2)

    async def _synced(self, sync_id: str) -> None:
        async def reconciled() -> bool | None:
            runs = await self.runs()
            done = {run["integration_id"] for run in runs if sync_id in run["sync_ids"] and _reconciled(run)}
            return done >= {self.story.vendor_id, self.story.psa_id} or None

        await until(f"the reconciliation of sync {sync_id}", reconciled)

    async def _approve(self, dice: Random) -> None:
        lines = [line for line in await self.story.review() if _writable(line)]
        self.deciding.set()
        made = [await self._decide(line, dice) for line in lines[:APPROVED_AT_ONCE]]
        for decision in made:
            if decision:
                await until(f"the end of approval {decision.approval_id}", partial(self._ended, decision))

    async def _decide(self, line: Json, dice: Random) -> Decision | None:
        key = _key(dice)
        path = f"/usage/{line['line_id']}/approvals"
        try:
            approval = await self.person.ask("POST", "billing", path, {"seal": line["seal"]}, key=key)
        except DemoFailure as refusal:
            if refusal.status != 409:
                raise
            return None
        place = str(approval["agreement_line_id"])
        decision = Decision(approval["approval_id"], place, Decimal(line["vendor_count"]["number"]), key)
        self.ledger.decided(decision)
        return decision

    async def _ended(self, decision: Decision) -> Json | None:
        approval = await self.person.ask("GET", "billing", f"/approvals/{decision.approval_id}")
        if approval["state"] not in {"commanded", "written"}:
            raise InVain(f"approval {decision.approval_id} ended {approval['state']}: {approval['detail']}")
        return dict(approval) if approval["state"] == "written" else None

    async def _discovered(self) -> bool | None:
        runs = [run for run in await self.runs() if _reconciled(run) and run["verdict"] == "complete"]
        return {run["integration_id"] for run in runs} == {self.story.vendor_id, self.story.psa_id} or None

    async def _known(self, said: Said) -> bool | None:
        """Everything that was observed is in matcher's lists."""
        for (path, name), model in _LISTS.items():
            there = sum(one.present for one in said.newest(model))
            if len(await self.person.all("matcher", path, name)) < there:
                return None
        return True

    async def runs(self) -> list[Json]:
        """As billing closed them, newest first."""
        return await self.person.all("billing", "/runs", "runs")

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """The sandbox is no victim: it answers."""
        answer = await self.sandbox.request(method, f"/_sandbox/{path}", json=body)
        return answer.raise_for_status().json()


def _kind(number: int) -> str:
    return "quick" if number % 5 == 0 else "full"


def _key(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


def _counted(row: Json) -> bool:
    return row["status"] == "active" and bool(row.get("products"))


def _reseated(row: Json, dice: Random) -> Json:
    """One in eight ends, the others get another number of seats."""
    if dice.random() < 1 / CHANGED:
        return {"id": row["id"], "status": "terminated"}
    return {"id": row["id"], "quantity": dice.randint(1, 60)}


def _reconciled(run: Json) -> bool:
    return bool(run["state"] == "reconciled")


def _writable(line: Json) -> bool:
    one_line, number = len(line["evidence"]["billed"]) == 1, line["vendor_count"]["number"]
    return bool(line["line_class"] in _DIFFERENT and one_line and number is not None)
