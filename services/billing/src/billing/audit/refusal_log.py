"""Enters people's refusals of proposals, and their withdrawals, into the audit log."""

# Invariant: each refusal and each withdrawal is entered once, however late and often it comes. Which were
# entered is kept by key and revision, in the transaction of the entry:
#
#   r1 refused, r2 withdrawn   r2, r1, r2 arrive   → entered: r2, r1
#
# They are few, for a person makes each, so all are kept.

from collections import defaultdict
from collections.abc import Sequence

from billing.audit.chain import AuditDraft
from billing.audit.repository import AuditLog
from shared.contracts.matcher import ProposalRefused
from shared.errors import Conflict, TransientError
from shared.mongo import Mongo, Session

_ENTERED = "audited_refusals"
_TRIES = 8


class RefusalLog:
    """Takes in what matcher tells of refusals."""

    def __init__(self, mongo: Mongo, audit: AuditLog) -> None:
        self._mongo, self._audit = mongo, audit

    async def enter(self, told: Sequence[ProposalRefused]) -> None:
        """Enters what was never entered, by tenant in the order in which it was said.

        Raises `TransientError` when others keep appending to the log.
        """
        by_tenant: defaultdict[str, list[ProposalRefused]] = defaultdict(list)
        for one in sorted(told, key=lambda one: (one.revision, one.key)):
            by_tenant[one.tenant_id].append(one)
        for tenant_id, of_tenant in by_tenant.items():
            await self._enter_of_tenant(tenant_id, {_entry_id(one): one for one in of_tenant})

    async def _enter_of_tenant(self, tenant_id: str, told: dict[str, ProposalRefused]) -> None:
        rows = self._mongo.documents(_ENTERED, tenant_id)

        async def work(session: Session) -> None:
            entered = await rows.get_many(told, fields=["_id"], session=session)
            new = {id_: one for id_, one in told.items() if id_ not in entered}
            drafts = [refusal_draft(one) for one in new.values()]
            await self._audit.append(tenant_id, drafts, session=session)
            await rows.insert_many([{"_id": id_} for id_ in new], session=session)

        for _ in range(_TRIES):
            try:
                async with self._audit.tenant_lock(tenant_id):
                    return await self._mongo.transaction(work)
            except Conflict:  # another consumer entered one of them at this moment: look again
                continue
        raise TransientError(f"others are entering the same refusals of {tenant_id}")


def refusal_draft(told: ProposalRefused) -> AuditDraft:
    """Returns who said when that two items are not one, or no longer said so."""
    return AuditDraft(
        told.decided_at,
        told.decided_by,
        "proposal.refused" if told.stands else "proposal.refusal-withdrawn",
        f"proposal:{told.key}",
        {
            "kind": told.kind.value,
            "vendor_integration_id": told.vendor_integration_id,
            "vendor_id": told.vendor_id,
            "psa_integration_id": told.psa_integration_id,
            "psa_id": told.psa_id,
            "revision": told.revision,
        },
    )


def _entry_id(told: ProposalRefused) -> str:
    return f"{told.key}@{told.revision}"
