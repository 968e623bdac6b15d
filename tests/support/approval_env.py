"""Approving as billing does it, on a real store."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from clocks import as_store_time
from lines import AT, Connected, an_integration
from news_reader import NewsLog

from billing.approvals.batch import ApprovalRequest, ApprovedLine, LineResult
from billing.approvals.eligibility import LineDecision
from billing.approvals.repository import APPROVAL_INDEXES, ApprovalRepository
from billing.approvals.results import WriteResultService
from billing.approvals.service import ApprovalService
from billing.audit.repository import AUDIT_INDEXES, AuditLog
from billing.usage.diff import LineRevision
from billing.usage.repository import USAGE_LINE_INDEXES, UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts.psa_sync import CancelWrite
from shared.mongo import Mongo
from shared.outbox import OUTBOX_INDEXES, Outbox
from shared.runtime.shards import shard_of


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = AT

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by


class SettledGround:
    """Nothing waits to be calculated again, and what is calculated anew is as it was stored."""

    def __init__(self, lines: UsageLineRepository) -> None:
        self._lines = lines

    async def of_waiting(self, _tenant_id: str, _line_ids: Collection[str]) -> dict[str, LineRevision]:
        return {}

    async def of_lines(self, tenant_id: str, line_ids: Collection[str]) -> dict[str, LineRevision]:
        stored = await self._lines.get_many(tenant_id, line_ids)
        return {id_: LineRevision(line, announced=False, before=line) for id_, line in stored.items()}


@dataclass
class ApprovalEnv:
    """One billing process's approvals, and what its store holds."""

    mongo: Mongo
    batch_size: int = 200
    clock: Clock = field(default_factory=Clock)
    connected: Connected = field(default_factory=lambda: Connected(an_integration()))

    def __post_init__(self) -> None:
        self.audit, self.news = AuditLog(self.mongo), NewsLog()
        self.outbox = Outbox(self.mongo, "billing")
        self.lines = UsageLineRepository(self.mongo, self.outbox)
        self.approvals = ApprovalRepository(
            self.mongo,
            self.outbox,
            self.audit,
            lines=self.lines,
            integrations=self.connected,
            announce=self.news,
        )
        self.lines.watchers.append(self.approvals)
        self.ground = SettledGround(self.lines)
        self.service = ApprovalService(
            self.approvals, self.ground, batch_size=self.batch_size, clock=as_store_time(self.clock)
        )
        self.results = WriteResultService(self.approvals, clock=self.clock)

    async def store(self, *lines: UsageLine) -> None:
        """Stores lines as a reconciliation would, without publishing them."""
        for line in lines:
            await self.lines.acquire_fence(shard_of(line.tenant_id), "reconciler")
            stored = await self.lines.get_many(line.tenant_id, [line.line_id])
            revision = LineRevision(line, announced=False, before=stored.get(line.line_id))
            await self.lines.save(line.tenant_id, [revision], token="reconciler")

    async def recalculate(self, *lines: UsageLine) -> None:
        """Stores lines that were there before as a reconciliation does that finds something new in them."""
        tenant_id = lines[0].tenant_id
        await self.lines.acquire_fence(shard_of(tenant_id), "reconciler")
        stored = await self.lines.get_many(tenant_id, [line.line_id for line in lines])
        revisions = [LineRevision(line, announced=True, before=stored[line.line_id]) for line in lines]
        await self.lines.save(lines[0].tenant_id, revisions, token="reconciler")

    async def cancels(self) -> list[CancelWrite]:
        """Returns the commands in the outbox that cancel a write."""
        rows = await self.mongo.all_tenants("outbox").find({"topic": CancelWrite.topic}, sort=[("seq", 1)])
        return [CancelWrite.model_validate_json(bytes(row["body"])) for row in rows]

    async def commands(self) -> list[dict[str, Any]]:
        """Returns the write commands in the outbox."""
        return await self.mongo.all_tenants("outbox").find({"topic": "psa-sync.write-quantity.v1"})

    async def exported(self, tenant_id: str = "demo") -> list[str]:
        """Returns the lines of the tenant's audit log."""
        head = await self.audit.head(tenant_id)
        return [entry.line + "\n" async for entry in self.audit.entries(tenant_id, until=head)]


async def an_approval_env(mongo: Mongo, *lines: UsageLine, batch_size: int = 200) -> ApprovalEnv:
    """Returns an environment whose store holds these lines."""
    await mongo.ensure([*APPROVAL_INDEXES, *AUDIT_INDEXES, *USAGE_LINE_INDEXES, *OUTBOX_INDEXES])
    env = ApprovalEnv(mongo, batch_size)
    await env.store(*lines)
    return env


def a_request(
    *lines: UsageLine, key: str = "key-1", person_id: str = "ann", quantity: Decimal | None = None
) -> ApprovalRequest:
    """Returns the request to approve these lines as they are shown."""
    decisions = tuple(LineDecision(line.line_id, line.seal, quantity) for line in lines)
    return ApprovalRequest(lines[0].tenant_id, person_id, key, decisions)


def approved(result: LineResult) -> ApprovedLine:
    """Returns the result of a decision that must have become an approval."""
    assert isinstance(result, ApprovedLine), result
    return result
