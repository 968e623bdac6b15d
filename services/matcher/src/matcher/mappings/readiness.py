"""Says whose items may be matched by equality: only where it is known that a name is unique."""

# Invariant: equality decides on a vendor item only while the items of its marketplace, and those of every
# PSA of the tenant, are settled (`catalogue/inventory.py`): a run that is going on knows half of the
# companies, and the other half may hold a namesake. What could not be decided is noted by marketplace, and
# taken up again as a whole when that has become possible:
#
#   marketplace settled, PSA's first run going on → 1 "Contoso" undecided: the marketplace is noted
#   the PSA's run ends, all of it is stored → settled → everything of the marketplace is enqueued

from collections.abc import Collection
from dataclasses import dataclass

from matcher.catalogue.items import PSA_KINDS, VENDOR_KINDS
from matcher.mappings.ports import UnitOfWork
from shared.contracts.base import Side
from shared.contracts.matcher import MappingKind


@dataclass(frozen=True, slots=True)
class MatchReadiness:
    """Which integrations are settled, for one kind of mapping."""

    settled_vendors: frozenset[str]
    settled_psas: frozenset[str]
    connected_psas: frozenset[str]

    def is_ready(self, vendor_integration_id: str, psa_integration_ids: Collection[str] = ()) -> bool:
        """Whether a vendor's items can be decided on.

        `psa_integration_ids` are of PSA items that count; their integration need not be known yet.
        """
        needed = self.connected_psas.union(psa_integration_ids)
        return vendor_integration_id in self.settled_vendors and needed <= self.settled_psas


async def load_readiness(unit_of_work: UnitOfWork, kind: MappingKind) -> MatchReadiness:
    integrations = (await unit_of_work.integrations()).values()
    return MatchReadiness(
        settled_vendors=await unit_of_work.settled_integrations(VENDOR_KINDS[kind]),
        settled_psas=await unit_of_work.settled_integrations(PSA_KINDS[kind]),
        connected_psas=frozenset(
            integration.integration_id
            for integration in integrations
            if integration.side is Side.PSA and integration.connected
        ),
    )


async def take_up_undecided(unit_of_work: UnitOfWork) -> None:
    """Enqueues the marketplaces on whose items nothing could be decided, where that is possible now."""
    for kind in MappingKind:
        vendor_kind = VENDOR_KINDS[kind]
        if undecided := await unit_of_work.undecided_vendors(vendor_kind):
            readiness = await load_readiness(unit_of_work, kind)
            ready = [integration_id for integration_id in undecided if readiness.is_ready(integration_id)]
            await unit_of_work.enqueue(vendor_kind.integration_lane, ready)
            await unit_of_work.forget_undecided(vendor_kind, ready)
