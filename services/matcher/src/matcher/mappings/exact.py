"""The exact rule: which items belong together by equal labels alone (architecture §6)."""

# Invariant: a vendor item is mapped to the PSA item that it is a pair with by its labels
# (`proposals/label_pairs.py`), and is unmapped when another usable item of its side carries them as well. So
# mappings are a function of the present items, and of whether a person has finished.
#
# An item that is gone, cancelled or inactive neither is mapped nor stands in another's way. What was mapped
# while it was there stays mapped: whatever of it is still billed can only be found by its mapping.

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from matcher.catalogue.items import Item, ItemKind, part_number
from matcher.proposals.label_pairs import (
    ItemGroups,
    contradiction_of,
    exact_target,
    others_labelled,
    shared_labels,
)
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingMethod


class ExactOutcome(StrEnum):
    """What the exact rule does to the mapping of one vendor item."""

    KEEP = "keep"
    MAP = "map"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class ExactComparison:
    """What the rule finds for a vendor item, beside what the item is mapped to."""

    item: Item
    target: Item | None
    """The exact target."""
    mapped: Item | None = None
    """The PSA item that the existing mapping points to; None also when that was never observed."""
    share_label: bool = False
    """Whether the two that are mapped are still equal by one of their labels."""
    rivals: Sequence[Item] = ()
    """Who else carries the labels of the two that are mapped; nobody while one label is theirs alone."""
    contradiction: str = ""
    """By what the two that are mapped are certainly two, in words."""


def compare(
    item: Item, mapped: Item | None, vendor: ItemGroups, psa: ItemGroups, *, pending: bool
) -> ExactComparison:
    """Compares a vendor item with all that share a label; `pending` is as `exact_outcome` has it.

    Once mapping is finished, items of another PSA are no rivals of what is mapped: whoever moves to a new PSA
    has every name twice for a while.
    """
    target = exact_target(item, vendor, psa)
    if mapped is None:
        return ExactComparison(item, target)
    shared = shared_labels(item, mapped, vendor.equality)
    rivals = dict[tuple[ItemKind, str], Item]()
    for label in shared:
        others = others_labelled(label, item, mapped, (vendor, psa), everywhere=pending)
        rivals |= others
        if not others:
            rivals = {}
            break
    return ExactComparison(
        item, target, mapped, bool(shared), list(rivals.values()), contradiction_of(item, mapped)
    )


def exact_outcome(
    existing: MappingDecided | None, found: ExactComparison, *, pending: bool, reachable: bool
) -> ExactOutcome:
    """Returns what becomes of the existing mapping.

    `pending` is whether the vendor's mapping is still under way; once a person has finished, money hangs on
    the mappings: a mapping that became ambiguous is taken back; one whose names differ by now, or whose two
    ends say by now that they are two (a country typed wrong), is left to people.
    `reachable` is whether the PSA that the mapping points to is connected: disconnecting it changes no
    mapping by itself.
    """
    target = found.target
    if existing is not None and existing.method is not MappingMethod.EXACT:
        return ExactOutcome.KEEP  # a person's decision, a revocation included
    if existing is None or existing.decision is not MappingDecision.APPROVED:
        return ExactOutcome.MAP if target else ExactOutcome.KEEP
    if not found.item.usable or (target and points_to(existing, target)):
        return ExactOutcome.KEEP
    if pending and target:
        return ExactOutcome.MAP
    return _outcome_of_unequal(found, pending=pending) if reachable else ExactOutcome.KEEP


def revocation_reason(found: ExactComparison) -> str:
    """Returns why the existing mapping is taken back, in a sentence that names a rival."""
    if found.contradiction and not found.rivals:
        return f"not the same by what both sides say: {found.contradiction}"
    if not found.rivals:
        return "the two that were mapped to each other share no name and no part number any more"
    first, *others = sorted(found.rivals, key=lambda item: (item.kind, item.integration_id, item.id))
    label = "part number" if part_number(first) and part_number(first) == part_number(found.item) else "name"
    more = f", and {len(others)} more" if others else ""
    return f"ambiguous: {first.kind.display_name} {first.id} ({first.name}) has the same {label}{more}"


def points_to(mapping: MappingDecided, item: Item) -> bool:
    return (mapping.psa_integration_id, mapping.psa_id) == (item.integration_id, item.id)


def _outcome_of_unequal(found: ExactComparison, *, pending: bool) -> ExactOutcome:
    """Returns what becomes of a mapping whose two ends are no longer each other's exact match."""
    target, mapped = found.target, found.mapped
    if mapped is None or not found.share_label:
        return ExactOutcome.REVOKE if pending else ExactOutcome.KEEP
    if mapped.usable and not found.rivals and not (pending and found.contradiction):
        return ExactOutcome.KEEP  # another carries the part number by now, but the name is still theirs alone
    if target:
        return ExactOutcome.MAP
    return ExactOutcome.REVOKE if mapped.usable else ExactOutcome.KEEP
