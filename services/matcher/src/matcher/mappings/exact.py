"""Exact matching: what belongs together by its names alone, seen from both ends (architecture §6).

The rule is a function of what is known now, so the order in which it became known does not matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matcher.catalogue.items import Item, part_number
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod

Grouped = Mapping[tuple[str, str], Sequence[Item]]


class ExactOutcome(StrEnum):
    """What exact matching does to one vendor item."""

    KEEP = "keep"
    MAP = "map"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """Usable items by the scope in which they must be alone, and by name and code."""

    by_name: Grouped
    by_code: Grouped


def vendor_groups(items: Iterable[Item]) -> ItemGroups:
    """A vendor item must be alone within its integration: two marketplaces may know one customer."""
    return _grouped((item.integration_id, item) for item in items)


def psa_groups(items: Iterable[Item]) -> ItemGroups:
    """A PSA item must be alone among all PSAs of the tenant, or it would be a guess which is meant."""
    return _grouped(("", item) for item in items)


def exact_target(item: Item, vendor: ItemGroups, psa: ItemGroups) -> Item | None:
    """The one PSA item that this vendor item, and no other, is called like: by code first, then by name."""
    if not item.usable:
        return None
    scope = item.integration_id
    return _only_pair(vendor.by_code, psa.by_code, scope, part_number(item)) or _only_pair(
        vendor.by_name, psa.by_name, scope, item.name
    )


def exact_outcome(
    standing: MappingDecided | None, target: Item | None, *, pending: bool, reachable: bool
) -> ExactOutcome:
    """What becomes of a mapping as it stands, given what exact matching says now.

    A person's decision stays, and so does everything once a person has finished (`pending` is false).
    `reachable` is false when the PSA that it points to was disconnected, which by itself changes nothing.
    """
    if standing is not None and standing.method is not MappingMethod.EXACT:
        return ExactOutcome.KEEP  # a person's, even when it is a revocation
    if standing is None or standing.decision is not MappingDecision.APPROVED:
        return ExactOutcome.MAP if target else ExactOutcome.KEEP
    # From here on it was mapped by itself, and may be looked at again until a person has finished.
    if not pending or (target and points_to(standing, target)):
        return ExactOutcome.KEEP
    if target:
        return ExactOutcome.MAP
    return ExactOutcome.REVOKE if reachable else ExactOutcome.KEEP


def points_to(mapping: MappingDecided, item: Item) -> bool:
    return (mapping.psa_integration_id, mapping.psa_id) == (item.integration_id, item.id)


def _grouped(scoped: Iterable[tuple[str, Item]]) -> ItemGroups:
    by_name: dict[tuple[str, str], list[Item]] = defaultdict(list)
    by_code: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for scope, item in scoped:
        if item.usable:
            by_name[scope, item.name].append(item)
            by_code[scope, part_number(item)].append(item)
    return ItemGroups(by_name, by_code)


def _only_pair(vendor: Grouped, psa: Grouped, scope: str, label: str) -> Item | None:
    if not label:  # what has no name is not called like anything
        return None
    alike, targets = vendor.get((scope, label), ()), psa.get(("", label), ())
    return targets[0] if len(alike) == len(targets) == 1 else None
