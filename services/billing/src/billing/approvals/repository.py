"""Approvals, and the one place where a decision, its audit entry and its command become durable together."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from billing.approvals.eligibility import Choice
from billing.approvals.models import Approval, ApprovalState
from billing.approvals.results import ApprovalResults
from billing.approvals.service import ApprovalRequest, BatchOutcome, Snapshot
from billing.audit.repository import AuditLog
from billing.usage.usage_line import BilledLine, UsageLine
from shared.contracts.auth import IntegrationChanged, IntegrationStatus
from shared.contracts.base import key_of
from shared.errors import Conflict, RuleBroken
from shared.mongo import Document, Index, Mongo, Put, Session
from shared.outbox import Outbox
from shared.runtime import crash_points

_APPROVALS, _ORDERS = "approvals", "approval_orders"
_AGREEMENT_LINE = [("tenant_id", 1), ("integration_id", 1), ("agreement_line_id", 1)]

AgreementLineRef = tuple[str, str]
"""An integration and a line of one of its agreements."""

APPROVAL_INDEXES = (
    Index(_APPROVALS, _AGREEMENT_LINE, unique=True, where={"state": ApprovalState.COMMANDED.value}),
    Index(_APPROVALS, [("tenant_id", 1), ("place", 1)]),
    Index(_APPROVALS, [("tenant_id", 1), ("state", 1), ("place", 1)]),
)
"""The first lets one approval be in flight on an agreement line, whoever asks at the same time."""


class ApprovalLines(Protocol):
    """The usage lines, read and held in a transaction."""

    async def get_many(
        self, tenant_id: str, line_ids: Iterable[str], *, session: Session
    ) -> Mapping[str, UsageLine]: ...

    def tenant_lock(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """To be held around a transaction that holds lines."""

    async def assert_ownership(self, tenant_id: str, *, session: Session) -> None:
        """Make a transaction that changes lines at the same time conflict with this one."""


class TenantIntegrations(Protocol):
    """What a tenant is connected to."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...


class ApprovalRepository:
    """Keeps approvals by id; what is saved about one is saved in one transaction."""

    def __init__(
        self,
        mongo: Mongo,
        outbox: Outbox,
        audit: AuditLog,
        *,
        lines: ApprovalLines,
        integrations: TenantIntegrations,
    ) -> None:
        self._mongo, self._outbox, self._audit = mongo, outbox, audit
        self._lines, self._integrations = lines, integrations

    async def get(self, tenant_id: str, approval_id: str) -> Approval | None:
        row = await self._mongo.documents(_APPROVALS, tenant_id).get(key_of(tenant_id, approval_id))
        return Approval.model_validate(row) if row else None

    async def page(
        self, tenant_id: str, *, state: ApprovalState | None, after: str | None, limit: int
    ) -> tuple[list[Approval], str | None]:
        """Newest first, and the cursor of the next page; what is decided meanwhile comes before the first."""
        wanted: Document = {"state": state.value} if state else {}
        wanted |= {"place": {"$lt": after}} if after else {}
        rows = await self._mongo.documents(_APPROVALS, tenant_id).find(
            wanted, sort=[("place", -1)], limit=limit + 1
        )
        more = rows[limit - 1]["place"] if len(rows) > limit else None
        return [Approval.model_validate(row) for row in rows[:limit]], more

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> dict[str, str]:
        """By line id: the approval that waits for the result of a write to its agreement line."""
        places = {_place(one): line.line_id for line in lines if (one := line.agreement_line)}
        waiting = await self._waiting(tenant_id, places)
        return {places[place]: approval_id for place, approval_id in waiting.items()}

    async def open(self, order: ApprovalRequest) -> bool:
        """Whether the key is new. Raises `RuleBroken` when it was used for a different request."""
        orders = self._mongo.documents(_ORDERS, order.tenant_id)
        id_ = key_of(order.tenant_id, order.person_id, order.idempotency_key)
        try:
            await orders.insert({"_id": id_, "fingerprint": order.fingerprint})
        except Conflict:
            known = await orders.get(id_)
            if known and known["fingerprint"] != order.fingerprint:
                raise RuleBroken(
                    f"the Idempotency-Key {order.idempotency_key!r} was used for a different request:"
                    " send a new key with it"
                ) from None
            return False
        return True

    async def settle(
        self,
        order: ApprovalRequest,
        choices: Sequence[Choice],
        judge: Callable[[Snapshot], BatchOutcome],
        *,
        careful: bool,
    ) -> BatchOutcome:
        """Read, judge and save in one transaction (see `service.approving.Ledger`)."""
        known = await self._integrations.of_tenant(order.tenant_id)
        active = frozenset(one.integration_id for one in known if one.status is IntegrationStatus.ACTIVE)

        async def work(session: Session) -> BatchOutcome:
            ids = [one.line_id for one in choices]
            found = Snapshot(await self._lines.get_many(order.tenant_id, ids, session=session), active)
            if careful:
                found = await self._carefully(order, found, ids, session)
            settled = judge(found)
            await self._save(order.tenant_id, settled, session)
            return settled

        async with self._audit.turn(order.tenant_id), self._lines.tenant_lock(order.tenant_id):
            settled = await self._mongo.transaction(work)
        crash_points.reached("decision-committed")
        self._outbox.wake()
        return settled

    async def end(
        self,
        tenant_id: str,
        approval_ids: Sequence[str],
        judge: Callable[[Mapping[str, Approval]], ApprovalResults],
    ) -> None:
        """Read, judge and save in one transaction (see `service.results.Open`)."""

        async def work(session: Session) -> None:
            known = await self._known(tenant_id, approval_ids, session)
            ended = judge(known)
            await self._audit.append(tenant_id, ended.drafts, session=session)
            rows = self._mongo.documents(_APPROVALS, tenant_id)
            await rows.bulk([Put(_document(one)) for one in ended.approvals], session=session)

        async with self._audit.turn(tenant_id):
            await self._mongo.transaction(work)

    async def _carefully(
        self, order: ApprovalRequest, found: Snapshot, ids: Sequence[str], session: Session
    ) -> Snapshot:
        """Look up what the order has done already, and what is in flight."""
        known = await self._known(order.tenant_id, [order.approval_id(id_) for id_ in ids], session)
        earlier = {one.line_id: one for one in known.values()}
        places = [_place(one) for line in found.lines.values() if (one := line.agreement_line)]
        return Snapshot(
            found.lines, found.active, earlier, await self._waiting(order.tenant_id, places, session)
        )

    async def _waiting(
        self, tenant_id: str, places: Collection[AgreementLineRef], session: Session | None = None
    ) -> dict[AgreementLineRef, str]:
        """Approval ids in flight, by place."""
        if not places:
            return {}
        wanted = {
            "state": ApprovalState.COMMANDED.value,
            "integration_id": {"$in": sorted({integration_id for integration_id, _ in places})},
            "agreement_line_id": {"$in": sorted(line_id for _, line_id in places)},
        }
        fields = ["approval_id", "integration_id", "agreement_line_id"]
        rows = await self._mongo.documents(_APPROVALS, tenant_id).find(wanted, fields=fields, session=session)
        found = {(row["integration_id"], row["agreement_line_id"]): row["approval_id"] for row in rows}
        return {place: found[place] for place in places if place in found}

    async def _known(self, tenant_id: str, ids: Iterable[str], session: Session) -> dict[str, Approval]:
        rows = self._mongo.documents(_APPROVALS, tenant_id)
        found = await rows.get_many([key_of(tenant_id, id_) for id_ in ids], session=session)
        approvals = [Approval.model_validate(row) for row in found.values()]
        return {approval.approval_id: approval for approval in approvals}

    async def _save(self, tenant_id: str, settled: BatchOutcome, session: Session) -> None:
        approvals = settled.approvals
        if not approvals:
            return
        await self._audit.append(tenant_id, settled.drafts, session=session)
        await self._lines.assert_ownership(tenant_id, session=session)
        rows = self._mongo.documents(_APPROVALS, tenant_id)
        await rows.insert_many([_document(one) for one in approvals], session=session)
        await self._outbox.add(settled.messages, session=session)


def _place(billed: BilledLine) -> AgreementLineRef:
    return billed.integration_id, billed.line_id


def _document(approval: Approval) -> Document:
    """Times stay times; `place` puts approvals in one order, also those of one moment."""
    return {
        **approval.model_dump(mode="json"),
        "_id": key_of(approval.tenant_id, approval.approval_id),
        "decided_at": approval.decided_at,
        "valid_until": approval.valid_until,
        "ended_at": approval.ended_at,
        "place": f"{int(approval.decided_at.timestamp() * 1000):015}:{approval.approval_id}",
    }
