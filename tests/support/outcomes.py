"""Results of writes, as the PSA's side reports them."""

from datetime import timedelta
from decimal import Decimal

from lines import AT, PSA

from billing.approvals.models import Approval
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.contracts.quantity_write import WriteRefusal


def written(approval: Approval) -> QuantityWritten:
    return QuantityWritten(
        tenant_id=approval.tenant_id,
        integration_id=PSA,
        line_id=approval.agreement_line_id,
        approval_id=approval.approval_id,
        before=approval.expected_current,
        after=approval.target,
        sent=True,
        request_ids=("req-1",),
        proven_at=AT + timedelta(minutes=1),
    )


def refused(approval: Approval, reason: WriteRefusal) -> QuantityRefused:
    return QuantityRefused(
        tenant_id=approval.tenant_id,
        integration_id=PSA,
        line_id=approval.agreement_line_id,
        approval_id=approval.approval_id,
        reason=reason,
        current=Decimal(6),
        detail="it held 6, not 5",
        refused_at=AT + timedelta(minutes=1),
    )
