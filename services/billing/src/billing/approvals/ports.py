"""What approving needs of the store and of the tenant's connections."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from billing.approvals.batch import ApprovalRequest, BatchOutcome, BatchSnapshot
from billing.approvals.eligibility import LineDecision
from billing.approvals.models import Approval, ClosedApprovals
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
        decide: Callable[[BatchSnapshot], BatchOutcome],
        *,
        check_existing: bool,
    ) -> BatchOutcome:
        """Reads a snapshot, decides on it and saves the outcome, in one transaction.

        Without `check_existing` the snapshot names neither earlier approvals of the key nor approvals in
        flight. Raises `Conflict`, with nothing saved, when a new approval meets one of these.
        """

    async def close(
        self,
        tenant_id: str,
        approval_ids: Sequence[str],
        decide: Callable[[Mapping[str, Approval]], ClosedApprovals],
    ) -> None:
        """Reads those approvals that exist, decides which to close, and saves them, in one transaction."""


class TenantIntegrations(Protocol):
    """What a tenant is connected to."""

    async def of_tenant(self, tenant_id: str) -> Sequence[IntegrationChanged]: ...
