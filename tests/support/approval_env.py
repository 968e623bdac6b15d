"""Approving as billing does it, on a real store."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from lines import AT, Connected, an_integration

from billing.approvals.eligibility import Choice
from billing.approvals.repository import APPROVAL_INDEXES, ApprovalRepository
from billing.approvals.results import WriteResultService
from billing.approvals.service import ApprovalRequest, ApprovalService
from billing.audit.repository import AUDIT_INDEXES, AuditLog
from billing.usage.coverage_repository import CoverageRepository
from billing.usage.diff import LineRevision
from billing.usage.repository import USAGE_LINE_INDEXES, UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox


@dataclass
class Clock:
    """Time that moves when told."""

    now: datetime = AT

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


@dataclass
class Desk:
    """One billing process's approvals, and what its store holds."""

    mongo: Mongo
    batch: int = 200
    clock: Clock = field(default_factory=Clock)
    connected: Connected = field(default_factory=lambda: Connected(an_integration()))

    def __post_init__(self) -> None:
        self.audit = AuditLog(self.mongo)
        self.outbox = Outbox(self.mongo, "billing")
        self.lines = UsageLineRepository(self.mongo, self.outbox, CoverageRepository(self.mongo))
        self.approvals = ApprovalRepository(
            self.mongo, self.outbox, self.audit, lines=self.lines, integrations=self.connected
        )
        self.approving = ApprovalService(self.approvals, batch=self.batch, clock=self.clock)
        self.results = WriteResultService(self.approvals, clock=self.clock)

    async def store(self, *lines: UsageLine) -> None:
        """As a reconciliation would, telling nobody."""
        await self.lines.acquire_fence("reconciler")
        for line in lines:
            await self.lines.save(line.tenant_id, [LineRevision(line, announced=False)], token="reconciler")

    async def commands(self) -> list[dict[str, Any]]:
        """What the outbox would send to the PSA's side."""
        return await self.mongo.all_tenants("outbox").find({"topic": "psa-sync.write-quantity.v1"})

    async def exported(self, tenant_id: str = "demo") -> list[str]:
        head = await self.audit.head(tenant_id)
        return [entry.line + "\n" async for entry in self.audit.entries(tenant_id, until=head)]


async def a_desk(mongo: Mongo, *lines: UsageLine, batch: int = 200) -> Desk:
    await mongo.ensure([*APPROVAL_INDEXES, *AUDIT_INDEXES, *USAGE_LINE_INDEXES, *OUTBOX_INDEXES])
    desk = Desk(mongo, batch)
    await desk.store(*lines)
    return desk


def an_order(
    *lines: UsageLine, key: str = "key-1", person_id: str = "ann", quantity: Decimal | None = None
) -> ApprovalRequest:
    choices = tuple(Choice(line.line_id, line.seal, quantity) for line in lines)
    return ApprovalRequest(lines[0].tenant_id, person_id, key, choices)
