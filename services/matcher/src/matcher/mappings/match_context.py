"""Everything that the exact rule must know to decide on a batch of vendor items."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from matcher.catalogue.items import PSA_KINDS, IntegrationInfo, Item, labels_of
from matcher.mappings.decisions import PsaMatch, mapping_key
from matcher.mappings.exact import ExactComparison, compare
from matcher.mappings.ports import UnitOfWork
from matcher.mappings.readiness import MatchReadiness, load_readiness
from matcher.proposals.label_pairs import ItemGroups, psa_groups, vendor_groups
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingKind, NameEquality


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
    mapped: Mapping[str, Item]
    """The PSA items that the existing mappings point to, by item key."""
    readiness: MatchReadiness
    psa_integration_ids: Collection[str]
    """Of the PSA items that count here."""

    def is_ready(self, vendor: IntegrationInfo) -> bool:
        """Whether equality can decide on the vendor's items."""
        return self.readiness.is_ready(vendor.integration_id, self.psa_integration_ids)

    def compare(self, item: Item, existing: MappingDecided | None, *, pending: bool) -> ExactComparison:
        mapped = self.mapped.get(_psa_key(existing)) if existing else None
        found = compare(item, mapped, self.vendor, self.psa, pending=pending)
        # Without its realm there is no target; news of the integration enqueues its items again.
        known = found.target is not None and found.target.integration_id in self.integrations
        return found if known else replace(found, target=None)

    def match(self, target: Item) -> PsaMatch:
        return PsaMatch(self.integrations[target.integration_id], target)

    def pending(self, vendor: IntegrationInfo) -> bool:
        """Whether mapping is under way: auth's `active` may come after the finish, so both are looked at."""
        return vendor.status is IntegrationStatus.PENDING and vendor.integration_id not in self.finished

    def reachable(self, existing: MappingDecided | None) -> bool:
        """Whether the PSA that the mapping points to is connected."""
        psa = self.integrations.get((existing and existing.psa_integration_id) or "")
        return psa is not None and psa.connected


async def load_context(
    unit_of_work: UnitOfWork,
    kind: MappingKind,
    affected: Sequence[Item],
    vendor: Iterable[Item],
    *,
    equality: NameEquality,
) -> MatchContext:
    """Loads the context of affected items; `vendor` holds all vendor items that share a label with one."""
    integrations = await unit_of_work.integrations()
    # Items of a disconnected PSA are no rivals; those of a PSA that is not known yet may be, so they count.
    disconnected = {
        integration_id
        for integration_id, integration in integrations.items()
        if integration.side is Side.PSA and not integration.connected
    }
    psa = await unit_of_work.items_labelled(PSA_KINDS[kind], labels_of(affected, equality))
    keys = [
        mapping_key(integrations[item.integration_id], kind, item.id)
        for item in affected
        if item.integration_id in integrations
    ]
    counting = [item for item in psa if item.integration_id not in disconnected]
    existing = await unit_of_work.mappings(keys)
    mapped_keys = {_psa_key(mapping) for mapping in existing.values() if mapping.psa_id}
    return MatchContext(
        vendor=vendor_groups(vendor, equality),
        psa=psa_groups(counting, equality),
        integrations=integrations,
        finished=await unit_of_work.finished_integrations(),
        existing=existing,
        mapped={item.key: item for item in await unit_of_work.items(PSA_KINDS[kind], mapped_keys)},
        readiness=await load_readiness(unit_of_work, kind),
        psa_integration_ids={item.integration_id for item in counting},
    )


def _psa_key(mapping: MappingDecided) -> str:
    return key_of(mapping.tenant_id, mapping.psa_integration_id or "", mapping.psa_id or "")
