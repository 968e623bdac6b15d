"""Closes approvals by the results of their writes, each once."""

# Invariant: the first result of an approval counts; one that is delivered again, or comes after another,
# changes nothing and adds no audit entry.
#
#   written(apr_1), written(apr_1), refused(apr_1) → apr_1 is written, one audit entry

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from billing.approvals.models import Approval, ApprovalState, ClosedApprovals, WriteResult
from billing.approvals.ports import ApprovalStore
from shared.contracts import Message
from shared.contracts.psa_sync import QuantityRefused, WriteQuantity
from shared.contracts.quantity_write import WriteRefusal
from shared.errors import NotFound
from shared.runtime.clock import Clock, utc_now


class WriteResultService:
    """Records how writes ended."""

    def __init__(self, store: ApprovalStore, *, clock: Clock = utc_now) -> None:
        self._store, self._clock = store, clock

    async def record(self, results: Sequence[WriteResult]) -> None:
        """Closes the approvals of these results, as psa-sync reports them.

        Raises `NotFound`, with nothing of that tenant saved, when one names an approval that does not exist.
        """
        await self._record(results, "psa-sync")

    async def _record(self, results: Sequence[WriteResult], reporter: str) -> None:
        """Closes approvals; the audit log names who reported the results."""
        by_tenant: defaultdict[str, list[WriteResult]] = defaultdict(list)
        for result in results:
            by_tenant[result.tenant_id].append(result)
        for tenant_id, tenant_results in by_tenant.items():
            await self._close(tenant_id, tenant_results, reporter)

    async def refuse_undeliverable(self, message: Message, why: str) -> Sequence[Message] | None:
        """Closes the approval whose command Kafka will never take: nothing was written."""
        if not isinstance(message, WriteQuantity):
            return None
        refusal = QuantityRefused(
            tenant_id=message.tenant_id,
            integration_id=message.integration_id,
            line_id=message.line_id,
            approval_id=message.approval_id,
            reason=WriteRefusal.REJECTED,
            detail=f"nothing was written, for the command could not be sent: {why}",
            refused_at=self._clock(),
        )
        await self._record([refusal], "billing")
        return []

    async def _close(self, tenant_id: str, results: Sequence[WriteResult], reporter: str) -> None:
        def decide(existing: Mapping[str, Approval]) -> ClosedApprovals:
            return close_approvals(results, existing, self._clock(), reporter)

        approval_ids = list(dict.fromkeys(result.approval_id for result in results))
        await self._store.close(tenant_id, approval_ids, decide)


def close_approvals(
    results: Sequence[WriteResult], existing: Mapping[str, Approval], now: datetime, reporter: str
) -> ClosedApprovals:
    """Returns the approvals that these results close, and the audit entry of each result that does.

    Raises `NotFound` for a result whose approval is not among the existing ones.
    """
    closed: dict[str, Approval] = {}
    drafts = []
    for result in results:
        approval = closed.get(result.approval_id) or existing.get(result.approval_id)
        if approval is None:
            raise NotFound(f"{result.topic} tells of approval {result.approval_id}, which is not ours")
        if approval.state is ApprovalState.COMMANDED:
            closed[result.approval_id] = approval.closed_by(result)
            drafts.append(approval.result_draft(result, now, reporter))
    return ClosedApprovals(tuple(closed.values()), tuple(drafts))
