"""Enters what people decide in matcher besides mappings into the audit log: refusals, and settings."""

# Invariant: each state of a refusal and of the settings is entered once, however late and often it
# comes. Which were entered is kept by key and revision, in the transaction of the entry:
#
#   r1 refused, r2 withdrawn   r2, r1, r2 arrive   → entered: r2, r1
#
# They are few, for a person makes each, so all are kept.

from collections import defaultdict
from collections.abc import Sequence

from billing.audit.chain import AuditDraft
from billing.audit.repository import AuditLog
from shared.contracts.matcher import MatchingSettingsChanged, ProposalRefused
from shared.errors import Conflict, TransientError
from shared.mongo import Mongo, Session

_ENTERED = "audited_statements"
_TRIES = 8


Statement = ProposalRefused | MatchingSettingsChanged


class StatementLog:
    """Takes in what matcher tells of what people decided."""

    def __init__(self, mongo: Mongo, audit: AuditLog) -> None:
        self._mongo, self._audit = mongo, audit

    async def enter(self, told: Sequence[Statement]) -> None:
        """Enters what was never entered, by tenant in the order in which it was said.

        Raises `TransientError` when others keep appending to the log.
        """
        by_tenant: defaultdict[str, list[Statement]] = defaultdict(list)
        for one in sorted(told, key=lambda one: (one.revision, one.key)):
            by_tenant[one.tenant_id].append(one)
        for tenant_id, of_tenant in by_tenant.items():
            await self._enter_of_tenant(tenant_id, {_entry_id(one): one for one in of_tenant})

    async def _enter_of_tenant(self, tenant_id: str, told: dict[str, Statement]) -> None:
        rows = self._mongo.documents(_ENTERED, tenant_id)

        async def work(session: Session) -> None:
            entered = await rows.get_many(told, fields=["_id"], session=session)
            new = {id_: one for id_, one in told.items() if id_ not in entered}
            drafts = [statement_draft(one) for one in new.values()]
            await self._audit.append(tenant_id, drafts, session=session)
            await rows.insert_many([{"_id": id_} for id_ in new], session=session)

        for _ in range(_TRIES):
            try:
                async with self._audit.tenant_lock(tenant_id):
                    return await self._mongo.transaction(work)
            except Conflict:  # another consumer entered one of them at this moment: look again
                continue
        raise TransientError(f"others are entering the same statements of {tenant_id}")


def statement_draft(told: Statement) -> AuditDraft:
    return refusal_draft(told) if isinstance(told, ProposalRefused) else settings_draft(told)


def settings_draft(told: MatchingSettingsChanged) -> AuditDraft:
    """Returns who changed when what maps by itself, from what to what."""
    return AuditDraft(
        told.changed_at,
        told.changed_by,
        "matching.settings-changed",
        f"matching:{told.tenant_id}",
        {
            "from": {"name_equality": told.replaced.value},
            "to": {"name_equality": told.name_equality.value},
            "revision": told.revision,
        },
    )


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


def _entry_id(told: Statement) -> str:
    return f"{told.topic}/{told.key}@{told.revision}"
