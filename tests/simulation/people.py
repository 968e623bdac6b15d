"""People: they look at the lines, think, and approve with the seal that they were shown."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

from billing.approvals.batch import ApprovalRequest, ApprovedLine
from billing.approvals.eligibility import LineDecision
from billing.feeds.models import HoldState, RunRef
from shared.contracts.base import RunKind
from shared.errors import PermanentError, TransientError
from tests.simulation.network import Network
from tests.simulation.services import Replica
from tests.simulation.store.database import Database
from tests.simulation.world import TENANT

_DECIDED = ("vendor-higher", "psa-higher", "ended-still-billed")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person saw when they decided: the line as it was stored."""

    at: float
    line: dict[str, Any]


class People:
    """Everybody who uses the system."""

    def __init__(self, database: Database, network: Network) -> None:
        self._database, self._network = database, network
        self.shown: dict[str, Shown] = {}
        """By approval id."""
        self._count = 0

    def line_shown(self, approval_id: str) -> dict[str, Any] | None:
        """The line on which an approval rests; None when nobody made it."""
        shown = self.shown.get(approval_id)
        return shown.line if shown else None

    def decide(self, replica: Replica, random: Random) -> str | None:
        """Looks at a line that can be approved, and approves it a while later."""
        lines = [
            line
            for line in self._database.documents("usage_lines")
            if line["present"] and line["line_class"] in _DECIDED and line["vendor_count"]["number"]
        ]
        if not lines or not replica.process.is_running:
            return None
        line = random.choice(sorted(lines, key=lambda one: str(one["line_id"])))
        seconds = random.choice((0.0, 1.0, 20.0, 120.0))
        self._count += 1
        shown = Shown(self._network.loop.time(), line)
        replica.process.spawn(self._approve(replica, shown, f"key-{self._count}", seconds), "person")
        numbers = f"{line['psa_count']['number']} → {line['vendor_count']['number']}"
        return f"{line['psa_account_id']}/{line['psa_product_id']} {numbers}, after {seconds:.0f} s"

    def resolve(self, replica: Replica, random: Random) -> str | None:
        """Releases or rejects a run that is held."""
        held = sorted(self._held())
        if not held or not replica.process.is_running:
            return None
        run, state = random.choice(held), random.choice((HoldState.RELEASED, HoldState.REJECTED))
        replica.process.spawn(self._resolve(replica, run, state), "person")
        return f"{run.run_id} of {run.integration_id} is {state}"

    def release_all(self, replica: Replica) -> None:
        """Releases every run that is held."""
        for run in self._held():
            replica.process.spawn(self._resolve(replica, run, HoldState.RELEASED), "person")

    def sync(self, replica: Replica, kind: RunKind) -> str | None:
        """Asks for a sync of both sides."""
        if not replica.process.is_running:
            return None
        replica.process.spawn(self._sync(replica, kind), "person")
        return f"a {kind} sync is asked for"

    async def _approve(self, replica: Replica, shown: Shown, key: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        assert replica.billing is not None
        decision = LineDecision(shown.line["line_id"], shown.line["seal"])
        request = ApprovalRequest(TENANT, "ann", key, (decision,))
        # Noted before: the command may be on its way, and its answer lost.
        self.shown[request.approval_id(decision.line_id)] = shown
        for _ in range(3):
            try:
                [result] = await replica.billing.approval_service.approve(request)
            except TransientError:
                await asyncio.sleep(1)
            except PermanentError:
                return
            else:
                if not isinstance(result, ApprovedLine):
                    self.shown.pop(request.approval_id(decision.line_id), None)
                return

    def _held(self) -> list[RunRef]:
        rows = self._database.documents("feed_runs")
        return [RunRef(one["integration_id"], one["run_id"]) for one in rows if one.get("state") == "held"]

    async def _resolve(self, replica: Replica, run: RunRef, state: HoldState) -> None:
        assert replica.billing is not None
        for _ in range(3):
            try:
                await replica.billing.feed_breaker.resolve(TENANT, run, state, by="ann", reason="seen to")
            except TransientError:
                await asyncio.sleep(1)
            except PermanentError:
                return  # somebody else was quicker
            else:
                return

    async def _sync(self, replica: Replica, kind: RunKind) -> None:
        assert replica.billing is not None
        for _ in range(5):
            try:
                await replica.billing.sync_requests.start(TENANT, "ann", kind)
            except (TransientError, PermanentError):
                await asyncio.sleep(2)
            else:
                return
