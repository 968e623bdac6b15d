"""What approving needs of the store and of the tenant's connections."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from billing.approvals.batch import ApprovalRequest, BatchJudge, BatchOutcome
from billing.approvals.eligibility import LineDecision
from billing.approvals.models import Approval, ClosedApprovals
from billing.usage.diff import LineRevision
from shared.contracts.auth import IntegrationChanged


class ApprovalStore(Protocol):
    """Approvals as stored; what is saved about one is saved in one transaction."""

    async def register(self, request: ApprovalRequest) -> bool:
        """Stores the request's idempotency key and returns whether it is new.

        Raises `RuleBroken` when the key was used for a different request.
        """

    async def commit_batch(
        self,
        request: ApprovalRequest,
        decisions: Sequence[LineDecision],
        judge: BatchJudge,
        *,
        check_existing: bool,
    ) -> BatchOutcome:
        """Reads a snapshot, decides on it and saves the outcome, in one transaction.

        Without `check_existing` the snapshot names neither earlier approvals of the key nor approvals in
        flight. Raises `Conflict`, with nothing saved, when a new approval meets one of these, and what the
        judge raises.
        """

    async def close(
        self,
        tenant_id: str,
        approval_ids: Sequence[str],
        decide: Callable[[Mapping[str, Approval]], ClosedApprovals],
    ) -> None:
        """Reads those approvals that exist, decides which to close, and saves them, in one transaction."""


class FreshLines(Protocol):
    """Calculates lines anew within a request; see `billing.reconciliation.line_recalculator`."""

    async def of_waiting(self, tenant_id: str, line_ids: Collection[str]) -> Mapping[str, LineRevision]:
        """Returns those of the lines whose account group waits in the work queue, calculated anew."""

    async def of_lines(self, tenant_id: str, line_ids: Collection[str]) -> Mapping[str, LineRevision]:
        """Returns these lines, calculated anew."""


class TenantIntegrations(Protocol):
    """What a tenant is connected to."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...
