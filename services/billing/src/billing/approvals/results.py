"""Results: what became of a command closes its approval, once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from billing.approvals.models import Approval, ApprovalState
from billing.audit.chain import AuditDraft
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten, WriteRefusal
from shared.errors import NotFound

News = QuantityWritten | QuantityRefused


@dataclass(frozen=True, slots=True)
class ApprovalResults:
    """Approvals that are no longer in flight, and what the audit log says of each."""

    approvals: tuple[Approval, ...]
    drafts: tuple[AuditDraft, ...]


class OpenApprovals(Protocol):
    """Where approvals wait for their results."""

    async def end(
        self,
        tenant_id: str,
        approval_ids: Sequence[str],
        judge: Callable[[Mapping[str, Approval]], ApprovalResults],
    ) -> None:
        """Read, judge and save in one transaction."""


class WriteResultService:
    """Hears how writes ended; a result that comes again, or after another, changes nothing."""

    def __init__(
        self, approvals: OpenApprovals, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._approvals, self._clock = approvals, clock

    async def hear(self, news: Sequence[News]) -> None:
        """Raises `NotFound`, with nothing of that tenant saved, when one tells of no approval of ours."""
        for tenant_id, some in _by_tenant(news).items():
            await self._hear(tenant_id, some)

    async def _hear(self, tenant_id: str, news: Sequence[News]) -> None:
        ids = list(dict.fromkeys(one.approval_id for one in news))
        await self._approvals.end(tenant_id, ids, lambda known: self._judge(news, known))

    def _judge(self, news: Sequence[News], known: Mapping[str, Approval]) -> ApprovalResults:
        ended: dict[str, Approval] = {}
        drafts = []
        for one in news:
            approval = ended.get(one.approval_id) or known.get(one.approval_id)
            if approval is None:
                raise NotFound(f"{one.topic} tells of approval {one.approval_id}, which is not ours")
            if approval.state is ApprovalState.COMMANDED:
                ended[one.approval_id] = _ended(approval, one)
                drafts.append(_draft(approval, one, self._clock()))
        return ApprovalResults(tuple(ended.values()), tuple(drafts))


def _by_tenant(news: Sequence[News]) -> dict[str, list[News]]:
    tenants: defaultdict[str, list[News]] = defaultdict(list)
    for one in news:
        tenants[one.tenant_id].append(one)
    return tenants


def _ended(approval: Approval, news: News) -> Approval:
    if isinstance(news, QuantityWritten):
        change = {
            "state": ApprovalState.WRITTEN,
            "before": news.before,
            "after": news.after,
            "ended_at": news.proven_at,
        }
    else:
        unknown = news.reason is WriteRefusal.UNKNOWN_OUTCOME
        change = {
            "state": ApprovalState.QUARANTINED if unknown else ApprovalState.REFUSED,
            "reason": news.reason,
            "detail": news.detail,
            "before": news.current,
            "ended_at": news.refused_at,
        }
    return approval.model_copy(update={**change, "request_ids": news.request_ids})


def _draft(approval: Approval, news: News, now: datetime) -> AuditDraft:
    action = "quantity.written" if isinstance(news, QuantityWritten) else "quantity.refused"
    details = news.model_dump(mode="json", exclude={"tenant_id", "approval_id"})
    return AuditDraft(
        now, "psa-sync", action, approval.subject, details | {"usage_line_id": approval.line_id}
    )
