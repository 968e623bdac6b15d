"""What the audit log says of decisions on mappings."""

# A decision tells itself what it replaced, so an entry needs no look at what stood before: decisions that
# come late, or of which billing has lost the one before, are logged as well as any other.

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from billing.audit.chain import AuditDraft, Details
from billing.audit.repository import AuditLog
from shared.contracts.matcher import DECIDED_BY_RULE, MappingDecided
from shared.mongo import Session

_RULE_ACTOR = "matcher"
"""Who decided where nobody was asked: the service that knows the exact rule."""


class DecisionLog:
    """Enters decisions on mappings into the audit log, in the transaction in which they are stored."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def tenant_lock(self, tenant_id: str) -> AbstractAsyncContextManager[Any]:
        """Returns the lock to hold around the transaction."""
        return self._audit.tenant_lock(tenant_id)

    async def enter(self, tenant_id: str, decisions: Sequence[MappingDecided], *, session: Session) -> None:
        """Enters decisions that were never entered, in the order in which they were made.

        Raises `TransientError` when a rival moved the head of the log.
        """
        in_order = sorted(decisions, key=lambda decision: (decision.revision, decision.key))
        await self._audit.append(tenant_id, [decision_draft(one) for one in in_order], session=session)


def decision_draft(mapping: MappingDecided) -> AuditDraft:
    """Returns who decided when and why, from what to what."""
    details: Details = {
        "kind": mapping.kind.value,
        "vendor_integration_id": mapping.vendor_integration_id,
        "vendor_id": mapping.vendor_id,
        "revision": mapping.revision,
        "to": {
            "decision": mapping.decision.value,
            "method": mapping.method.value,
            "psa_integration_id": mapping.psa_integration_id,
            "psa_id": mapping.psa_id,
            "reason": mapping.reason,
            "rules": mapping.rules.model_dump(mode="json") if mapping.rules else None,
        },
    }
    if mapping.replaced:
        details["from"] = mapping.replaced.model_dump(mode="json")
    if mapping.undoes is not None:
        details["undoes"] = mapping.undoes
    actor = _RULE_ACTOR if mapping.decided_by == DECIDED_BY_RULE else mapping.decided_by
    subject = f"mapping:{mapping.key}"
    return AuditDraft(mapping.decided_at, actor, f"mapping.{mapping.decision.value}", subject, details)
