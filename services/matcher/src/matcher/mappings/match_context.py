"""Everything that the exact rule must know to decide on a batch of vendor items."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matcher.catalogue.items import PSA_KINDS, IntegrationInfo, Item, labels_of
from matcher.mappings.decisions import PsaMatch, mapping_key
from matcher.mappings.exact import ItemGroups, exact_target, psa_groups, vendor_groups
from matcher.mappings.ports import UnitOfWork
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingKind


@dataclass(frozen=True, slots=True)
class MatchContext:
    """The rivals of some vendor items on both sides, their integrations, and their existing mappings."""

    vendor: ItemGroups
    psa: ItemGroups
    integrations: Mapping[str, IntegrationInfo]
    finished: Collection[str]
    """Vendor integrations whose mapping a person has finished."""
    existing: Mapping[str, MappingDecided]
    """By mapping key."""

    def target(self, item: Item) -> PsaMatch | None:
        """Returns the exact target, or None.

        None also while the target's integration is unknown: news of the integration enqueues its items again.
        """
        target = exact_target(item, self.vendor, self.psa)
        integration = self.integrations.get(target.integration_id) if target else None
        return PsaMatch(integration, target) if target and integration else None

    def pending(self, vendor: IntegrationInfo) -> bool:
        """Whether mapping is under way: auth's `active` may come after the finish, so both are looked at."""
        return vendor.status is IntegrationStatus.PENDING and vendor.integration_id not in self.finished

    def reachable(self, existing: MappingDecided | None) -> bool:
        """Whether the PSA that the mapping points to is connected."""
        psa = self.integrations.get((existing and existing.psa_integration_id) or "")
        return psa is not None and psa.connected


async def load_context(
    unit_of_work: UnitOfWork, kind: MappingKind, affected: Sequence[Item], vendor: Iterable[Item]
) -> MatchContext:
    """Loads the context of affected items; `vendor` holds all vendor items that share a label with one."""
    integrations = await unit_of_work.integrations()
    # Items of a disconnected PSA are no rivals; those of a PSA that is not known yet may be, so they count.
    disconnected = {
        integration_id
        for integration_id, integration in integrations.items()
        if integration.side is Side.PSA and not integration.connected
    }
    psa = await unit_of_work.items_labelled(PSA_KINDS[kind], labels_of(affected))
    keys = [
        mapping_key(integrations[item.integration_id], kind, item.id)
        for item in affected
        if item.integration_id in integrations
    ]
    return MatchContext(
        vendor=vendor_groups(vendor),
        psa=psa_groups(item for item in psa if item.integration_id not in disconnected),
        integrations=integrations,
        finished=await unit_of_work.finished_integrations(),
        existing=await unit_of_work.mappings(keys),
    )
