"""People: they look at the lines, think, and approve with the seal that they were shown."""

import asyncio
from collections import deque
from dataclasses import dataclass
from decimal import Decimal
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
_NOT_WRITABLE = ("ambiguous", "unmapped", "excluded", "not-billed")
_TYPED_SHARE, _AGAIN_SHARE = 0.4, 0.6
"""How often a person types a number, and how often it is for a line that was just decided on."""
_REMEMBERED = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person saw when they decided: the line as it was stored."""

    at: float
    line: dict[str, Any]
    typed: Decimal | None = None


class People:
    """Everybody who uses the system."""

    def __init__(self, database: Database, network: Network) -> None:
        self._database, self._network = database, network
        self.shown: dict[str, Shown] = {}
        """By approval id."""
        self._count = 0
        self._recent = deque[str](maxlen=_REMEMBERED)
        """The usage lines that were decided on last."""

    def line_shown(self, approval_id: str) -> dict[str, Any] | None:
        """The line on which an approval rests; None when nobody made it."""
        shown = self.shown.get(approval_id)
        return shown.line if shown else None

    def decide(self, replica: Replica, random: Random) -> str | None:
        """Looks at a line, and approves it or another number for it a while later."""
        is_typed = random.random() < _TYPED_SHARE
        lines = self._typable_lines(random) if is_typed else self._approvable_lines()
        if not lines or not replica.process.is_running:
            return None
        line = random.choice(sorted(lines, key=lambda one: str(one["line_id"])))
        typed = Decimal(random.randint(0, 30)) if is_typed else None
        seconds = random.choice((0.0, 0.0, 1.0, 5.0, 20.0, 120.0))
        self._count += 1
        self._recent.append(str(line["line_id"]))
        shown = Shown(self._network.loop.time(), line, typed)
        replica.process.spawn(self._approve(replica, shown, f"key-{self._count}", seconds), "person")
        number = line["vendor_count"]["number"] if typed is None else f"{typed} (typed)"
        what = f"{line['psa_account_id']}/{line['psa_product_id']} {line['psa_count']['number']} → {number}"
        return f"{what}, after {seconds:.0f} s"

    def waits_for(self, line_id: str) -> bool:
        """Tells whether a write to an agreement line is on its way."""
        approvals = self._database.documents("approvals")
        return any(one["state"] == "commanded" and one["agreement_line_id"] == line_id for one in approvals)

    def _approvable_lines(self) -> list[dict[str, Any]]:
        return [
            line
            for line in self._database.documents("usage_lines")
            if line["present"] and line["line_class"] in _DECIDED and line["vendor_count"]["number"]
        ]

    def _typable_lines(self, random: Random) -> list[dict[str, Any]]:
        """The lines that another number may be typed for: often only those that were just decided on."""
        lines = [
            line
            for line in self._database.documents("usage_lines")
            if line["present"] and line["line_class"] not in _NOT_WRITABLE and line["evidence"]["billed"]
        ]
        recent = [line for line in lines if line["line_id"] in self._recent]
        return recent if recent and random.random() < _AGAIN_SHARE else lines

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
        decision = LineDecision(shown.line["line_id"], shown.line["seal"], shown.typed)
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
