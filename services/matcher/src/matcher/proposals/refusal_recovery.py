"""Follows matcher's own news of refusals, which is news to it only when its database was restored."""

# Invariant: what a person refused or took back outlives a restore of the database: it was published with it,
# so what is published and newer than what is stored was lost. What comes back is not published again:
#
#   stored r5   told r5 → nothing   told r9 → stored as it is, and the proposals are computed anew

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

import structlog

from matcher.proposals.models import refusal_id
from matcher.proposals.ports import ProposalStore, ProposalUnit
from shared.contracts.base import key_of
from shared.contracts.matcher import ProposalRefused

log = structlog.get_logger()


class RefusalRecovery:
    """Takes in what matcher published."""

    def __init__(self, store: ProposalStore) -> None:
        self._store = store

    async def catch_up(self, told: Sequence[ProposalRefused]) -> None:
        """Stores what is newer than what is stored; usually that is nothing."""
        by_tenant: defaultdict[str, list[ProposalRefused]] = defaultdict(list)
        for one in sorted(told, key=lambda one: one.revision):
            by_tenant[one.tenant_id].append(one)
        for tenant_id, of_tenant in by_tenant.items():
            recovered = await self._store.run(tenant_id, partial(_recover, told=of_tenant))
            if recovered:
                log.error("refusals_recovered", tenant_id=tenant_id, refusals=recovered)


async def _recover(unit: ProposalUnit, *, told: Sequence[ProposalRefused]) -> int:
    """Stores what is news; returns how much it was."""
    recovered = 0
    for one in told:
        status = await unit.refusal(id_ := _id_of(one))
        if status is None or status.revision < one.revision:
            await unit.restore_refusal(id_, one)
            await unit.mark(one.kind)
            recovered += 1
    return recovered


def _id_of(told: ProposalRefused) -> str:
    """Returns the id under which `ProposalService` stores what it tells."""
    vendor = key_of(told.tenant_id, told.vendor_provider, told.vendor_realm, told.kind, told.vendor_id)
    return refusal_id(vendor, key_of(told.psa_provider, told.psa_realm, told.psa_id))
