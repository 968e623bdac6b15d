"""Approvals as stored: the one place where a decision is saved with its audit entry and its command."""

# Invariant: an approval, its audit entry and its two messages are there together or not at all, and an
# agreement line has one approval in flight. A transaction takes what it conflicts on first, so that a rival
# fails before it wrote much: the head of the audit log, then the tenant's lines, then the approvals with
# their unique index.
#
#   commit:  read lines ─ decide ─ audit head, entries ─ guard lines ─ lines judged anew ─ approvals ─ outbox
#   a reconciliation that stores a line meanwhile conflicts on the guard: one of the two starts over, and a
#   decision that does is made on the line as it is then.

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from billing.approvals.batch import ApprovalRequest, BatchJudge, BatchOutcome, BatchSnapshot
from billing.approvals.eligibility import AgreementLineRef, LineDecision, agreement_line_ref
from billing.approvals.models import Approval, ApprovalState, ClosedApprovals
from billing.approvals.news import approval_news
from billing.approvals.ports import TenantIntegrations
from billing.audit.repository import AuditLog
from billing.usage.collision import WriteCollision
from billing.usage.diff import LineRevision
from billing.usage.repository import UsageLineRepository
from billing.usage.usage_line import UsageLine
from shared.contracts import Message
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import key_of
from shared.errors import Conflict, RuleBroken
from shared.mongo import Document, Index, Mongo, Put, Session
from shared.news_channel import Announce, announce_nothing
from shared.outbox import Outbox
from shared.runtime import crash_points

_APPROVALS, _REQUESTS = "approvals", "approval_orders"
_AGREEMENT_LINE = [("tenant_id", 1), ("integration_id", 1), ("agreement_line_id", 1)]

APPROVAL_INDEXES = (
    # One approval in flight on an agreement line, whoever asks at the same time.
    Index(_APPROVALS, _AGREEMENT_LINE, unique=True, where={"state": ApprovalState.COMMANDED.value}),
    # Looked at whenever lines are stored anew: small, for it holds no approval that has ended.
    Index(_APPROVALS, [("tenant_id", 1), ("line_id", 1)], where={"state": ApprovalState.COMMANDED.value}),
    # Looked at whenever lines are shown: small, for hardly any write collides.
    Index(_APPROVALS, [("line_id", 1), ("collided_at", 1)], where={"collided_at": {"$type": "date"}}),
    Index(_APPROVALS, [("tenant_id", 1), ("place", 1)]),
    Index(_APPROVALS, [("tenant_id", 1), ("state", 1), ("place", 1)]),
)


class ApprovalRepository:
    """Stores approvals by id; what is saved about one is saved in one transaction (see `ApprovalStore`)."""

    def __init__(
        self,
        mongo: Mongo,
        outbox: Outbox,
        audit: AuditLog,
        *,
        lines: UsageLineRepository,
        integrations: TenantIntegrations,
        announce: Announce = announce_nothing,
    ) -> None:
        self._mongo, self._outbox, self._audit = mongo, outbox, audit
        self._lines, self._integrations, self._announce = lines, integrations, announce

    async def get(self, tenant_id: str, approval_id: str) -> Approval | None:
        row = await self._mongo.documents(_APPROVALS, tenant_id).get(key_of(tenant_id, approval_id))
        return Approval.model_validate(row) if row else None

    async def page(
        self, tenant_id: str, *, state: ApprovalState | None, after: str | None, limit: int
    ) -> tuple[list[Approval], str | None]:
        """Returns approvals, newest first, and the sort key of the last one when there are more.

        Approvals that are decided while somebody pages come before the first page and shift nothing.
        """
        wanted: Document = {"state": state.value} if state else {}
        wanted |= {"place": {"$lt": after}} if after else {}
        rows = await self._mongo.documents(_APPROVALS, tenant_id).find(
            wanted, sort=[("place", -1)], limit=limit + 1
        )
        last = rows[limit - 1]["place"] if len(rows) > limit else None
        return [Approval.model_validate(row) for row in rows[:limit]], last

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> dict[str, str]:
        """Returns the ids of approvals that wait for the result of their write, by usage line."""
        line_ids = {
            agreement_line_ref(billed): line.line_id for line in lines if (billed := line.agreement_line)
        }
        approval_ids = await self._in_flight_on(tenant_id, line_ids)
        return {line_ids[ref]: approval_id for ref, approval_id in approval_ids.items()}

    async def collisions(self, tenant_id: str, lines: Sequence[UsageLine]) -> dict[str, WriteCollision]:
        """Returns the last write of somebody else that collided with one of ours, by usage line."""
        rows = await self._mongo.documents(_APPROVALS, tenant_id).find_in(
            "line_id", [line.line_id for line in lines], where={"collided_at": {"$type": "date"}}
        )
        approvals = map(Approval.model_validate, sorted(rows, key=lambda row: row["collided_at"]))
        return {one.line_id: collision for one in approvals if (collision := one.collision)}

    async def lines_changed(
        self, tenant_id: str, revisions: Sequence[LineRevision], *, session: Session
    ) -> list[Message]:
        """Returns the commands that cancel the writes whose lines are not as approved any more, each once."""
        announced = (revision for revision in revisions if revision.announced and not revision.new)
        changed = {revision.line.line_id: revision.line for revision in announced}
        rows = self._mongo.documents(_APPROVALS, tenant_id)
        commanded = {"state": ApprovalState.COMMANDED.value, "cancelled_because": None}
        messages: list[Message] = []
        for row in await rows.find_in("line_id", changed, where=commanded, session=session):
            approval = Approval.model_validate(row)
            if why := approval.broken_by(changed[approval.line_id]):
                await rows.put(_document(approval.cancelled(why)), session=session)
                messages.append(approval.cancel_command(why))
        return messages

    async def register(self, request: ApprovalRequest) -> bool:
        """Stores the request's idempotency key and returns whether it is new.

        Raises `RuleBroken` when the key was used for a different request.
        """
        requests = self._mongo.documents(_REQUESTS, request.tenant_id)
        id_ = key_of(request.tenant_id, request.person_id, request.idempotency_key)
        try:
            await requests.insert({"_id": id_, "fingerprint": request.fingerprint})
        except Conflict:
            existing = await requests.get(id_)
            if existing and existing["fingerprint"] != request.fingerprint:
                raise RuleBroken(
                    f"the Idempotency-Key {request.idempotency_key!r} was used for a different request:"
                    " send a new key with it"
                ) from None
            return False
        return True

    async def commit_batch(
        self,
        request: ApprovalRequest,
        decisions: Sequence[LineDecision],
        judge: BatchJudge,
        *,
        check_existing: bool,
    ) -> BatchOutcome:
        """Reads a snapshot, decides on it and saves the outcome, in one transaction (see `ApprovalStore`)."""
        tenant_id, line_ids = request.tenant_id, [decision.line_id for decision in decisions]
        integrations = await self._integrations.of_tenant(tenant_id)
        writable = frozenset(
            integration.integration_id
            for integration in integrations
            if integration.status is IntegrationStatus.ACTIVE
        )

        async def work(session: Session) -> BatchOutcome:
            stored = await self._lines.get_many(tenant_id, line_ids, session=session)
            snapshot = BatchSnapshot(judge.current_lines(stored), writable)
            if check_existing:
                snapshot = await self._with_existing(request, snapshot, line_ids, session)
            outcome = judge.outcome(snapshot)
            await self._save(tenant_id, outcome, session)
            return outcome

        async with self._audit.tenant_lock(tenant_id), self._lines.tenant_lock(tenant_id):
            outcome = await self._mongo.transaction(work)
        crash_points.reached("decision-committed")
        self._outbox.wake()
        self._announce(tenant_id, approval_news(outcome.approvals))
        return outcome

    async def close(
        self,
        tenant_id: str,
        approval_ids: Sequence[str],
        decide: Callable[[Mapping[str, Approval]], ClosedApprovals],
    ) -> None:
        """Reads those approvals that exist, decides which to close, and saves them, in one transaction."""

        async def work(session: Session) -> Sequence[Approval]:
            closed = decide(await self._existing(tenant_id, approval_ids, session))
            await self._audit.append(tenant_id, closed.drafts, session=session)
            rows = self._mongo.documents(_APPROVALS, tenant_id)
            await rows.bulk([Put(_document(approval)) for approval in closed.approvals], session=session)
            return closed.approvals

        async with self._audit.tenant_lock(tenant_id):
            closed = await self._mongo.transaction(work)
        self._announce(tenant_id, approval_news(closed))

    async def _with_existing(
        self, request: ApprovalRequest, snapshot: BatchSnapshot, line_ids: Sequence[str], session: Session
    ) -> BatchSnapshot:
        """Returns the snapshot with what the key has approved already, and with what is in flight."""
        approval_ids = [request.approval_id(line_id) for line_id in line_ids]
        existing = await self._existing(request.tenant_id, approval_ids, session)
        earlier = {approval.line_id: approval for approval in existing.values()}
        refs = [
            agreement_line_ref(billed) for line in snapshot.lines.values() if (billed := line.agreement_line)
        ]
        in_flight = await self._in_flight_on(request.tenant_id, refs, session)
        return BatchSnapshot(snapshot.lines, snapshot.writable, earlier, in_flight)

    async def _in_flight_on(
        self, tenant_id: str, refs: Collection[AgreementLineRef], session: Session | None = None
    ) -> dict[AgreementLineRef, str]:
        if not refs:
            return {}
        # Two lists also select the id of one integration's line in another integration: the last line of this
        # function drops what was not asked for.
        wanted = {
            "state": ApprovalState.COMMANDED.value,
            "integration_id": {"$in": sorted({ref.integration_id for ref in refs})},
            "agreement_line_id": {"$in": sorted(ref.line_id for ref in refs)},
        }
        fields = ["approval_id", "integration_id", "agreement_line_id"]
        rows = await self._mongo.documents(_APPROVALS, tenant_id).find(wanted, fields=fields, session=session)
        found = {
            AgreementLineRef(row["integration_id"], row["agreement_line_id"]): row["approval_id"]
            for row in rows
        }
        return {ref: found[ref] for ref in refs if ref in found}

    async def _existing(
        self, tenant_id: str, approval_ids: Iterable[str], session: Session
    ) -> dict[str, Approval]:
        ids = [key_of(tenant_id, approval_id) for approval_id in approval_ids]
        rows = await self._mongo.documents(_APPROVALS, tenant_id).get_many(ids, session=session)
        approvals = [Approval.model_validate(row) for row in rows.values()]
        return {approval.approval_id: approval for approval in approvals}

    async def _save(self, tenant_id: str, outcome: BatchOutcome, session: Session) -> None:
        if not outcome.approvals:
            return
        await self._audit.append(tenant_id, outcome.drafts, session=session)
        await self._lines.assert_ownership(tenant_id, session=session)
        if outcome.restated:
            await self._lines.restate(tenant_id, outcome.restated, session=session)
        rows = self._mongo.documents(_APPROVALS, tenant_id)
        await rows.insert_many([_document(approval) for approval in outcome.approvals], session=session)
        await self._outbox.add(outcome.messages, session=session)


def _document(approval: Approval) -> Document:
    """Returns the row: times as dates, and in `place` the sort key, which parts approvals of one moment."""
    return {
        **approval.model_dump(mode="json"),
        "_id": key_of(approval.tenant_id, approval.approval_id),
        "decided_at": approval.decided_at,
        "valid_until": approval.valid_until,
        "ended_at": approval.ended_at,
        "collided_at": approval.ended_at if approval.collision else None,
        "place": f"{int(approval.decided_at.timestamp() * 1000):015}:{approval.approval_id}",
    }
