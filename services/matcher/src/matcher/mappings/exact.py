"""The exact rule: which items belong together by equal labels alone (architecture §6)."""

# Invariant: a vendor item is mapped to a PSA item when both carry a label that no other usable item of their
# side carries. The rule is a function of the present items: the order in which they became known does not
# matter. The part number is tried first, then the name; case and spaces count.
#
#   vendor: 1 "Contoso"  2 "Fabrikam"  3 "Fabrikam"  4 "Zeta"      PSA: 8 "Contoso"  9 "Fabrikam"  7 "zeta"
#   1 → 8: alone on both sides    2, 3: two of a name, a guess which is meant    4: "zeta" is not "Zeta"
#
# The vendor's item must be alone within its marketplace, for two marketplaces may know the same customer; the
# PSA's item among all PSAs of the tenant.

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matcher.catalogue.items import Item, part_number
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod

ItemsByLabel = Mapping[tuple[str, str], Sequence[Item]]
"""By scope, within which a label must be unique, and label."""

_ALL_PSAS = ""
"""The one scope of PSA items; a vendor item's scope is its integration id."""


class ExactOutcome(StrEnum):
    """What the exact rule does to the mapping of one vendor item."""

    KEEP = "keep"
    MAP = "map"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """The usable items of one side by name and by part number."""

    by_name: ItemsByLabel
    by_part_number: ItemsByLabel


def vendor_groups(items: Iterable[Item]) -> ItemGroups:
    return _group((item.integration_id, item) for item in items)


def psa_groups(items: Iterable[Item]) -> ItemGroups:
    return _group((_ALL_PSAS, item) for item in items)


def exact_target(item: Item, vendor: ItemGroups, psa: ItemGroups) -> Item | None:
    """Returns the PSA item that carries the same label as this vendor item, both being the only ones."""
    if not item.usable:
        return None
    scope = item.integration_id
    return _only_pair(vendor.by_part_number, psa.by_part_number, scope, part_number(item)) or _only_pair(
        vendor.by_name, psa.by_name, scope, item.name
    )


def exact_outcome(
    existing: MappingDecided | None, target: Item | None, *, pending: bool, reachable: bool
) -> ExactOutcome:
    """Returns what becomes of the existing mapping, given the present exact target.

    `pending` is whether the vendor's mapping is still under way; once a person has finished, money hangs on
    the mappings, and the rule only adds. `reachable` is whether the PSA that the mapping points to is
    connected: disconnecting it changes no mapping by itself.
    """
    if existing is not None and existing.method is not MappingMethod.EXACT:
        return ExactOutcome.KEEP  # a person's decision, a revocation included
    if existing is None or existing.decision is not MappingDecision.APPROVED:
        return ExactOutcome.MAP if target else ExactOutcome.KEEP
    if not pending or (target and points_to(existing, target)):
        return ExactOutcome.KEEP
    if target:
        return ExactOutcome.MAP
    return ExactOutcome.REVOKE if reachable else ExactOutcome.KEEP


def points_to(mapping: MappingDecided, item: Item) -> bool:
    return (mapping.psa_integration_id, mapping.psa_id) == (item.integration_id, item.id)


def _group(scoped: Iterable[tuple[str, Item]]) -> ItemGroups:
    by_name: dict[tuple[str, str], list[Item]] = defaultdict(list)
    by_part_number: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for scope, item in scoped:
        if item.usable:  # what is cancelled or inactive neither is mapped nor stands in another's way
            by_name[scope, item.name].append(item)
            by_part_number[scope, part_number(item)].append(item)
    return ItemGroups(by_name, by_part_number)


def _only_pair(vendor: ItemsByLabel, psa: ItemsByLabel, scope: str, label: str) -> Item | None:
    if not label:  # an empty name or code says nothing
        return None
    sources, targets = vendor.get((scope, label), ()), psa.get((_ALL_PSAS, label), ())
    return targets[0] if len(sources) == len(targets) == 1 else None
