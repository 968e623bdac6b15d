"""The exact rule: which items belong together by equal labels alone (architecture §6)."""

# Invariant: a vendor item is mapped to a PSA item when both carry a label that no other usable item of their
# side carries, and is unmapped when another one carries it as well. The rule is a function of the present
# items: the order in which they became known does not matter. The part number is tried first, then the name
# as it is written; where a tenant wants that, then the name without its spelling and legal form.
#
#   vendor: 1 "Contoso"  2 "Fabrikam"  3 "Fabrikam"  4 "Zeta"      PSA: 8 "Contoso"  9 "Fabrikam"  7 "zeta"
#   1 → 8: alone on both sides    2, 3: two of a name, a guess which is meant    4: "zeta" is not "Zeta"
#
# The vendor's item must be alone within its marketplace, for two marketplaces may know the same customer; the
# PSA's item among all PSAs of the tenant.
#
# Equal names of two firms do exist: what says that a pair is two (other tax ids, another term) is believed
# more than its label (`proposals/contradictions.py`).
#
# An item that is gone, cancelled or inactive neither is mapped nor stands in another's way. What was mapped
# while it was there stays mapped: whatever of it is still billed can only be found by its mapping.

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from matcher.catalogue.items import (
    Item,
    ItemKind,
    name_label,
    normal_label,
    part_number,
)
from matcher.catalogue.normal_names import firm_name
from matcher.proposals.contradictions import item_contradiction
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind, MappingMethod, NameEquality

ItemsByLabel = Mapping[tuple[str, str], Sequence[Item]]
"""By scope, within which a label must be unique, and label."""

_ALL_PSAS = ""
"""The one scope of PSA items; a vendor item's scope is its integration id."""


_Label = Callable[[Item], str]
_LABELS: tuple[_Label, ...] = (part_number, name_label, normal_label)
"""The last only where spelling does not count."""


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
    by_normal_name: ItemsByLabel
    equality: NameEquality

    def labelled(self, label: "_Label") -> ItemsByLabel:
        names = self.by_normal_name if label is normal_label else self.by_name
        return self.by_part_number if label is part_number else names


def vendor_groups(items: Iterable[Item], equality: NameEquality = NameEquality.EXACT) -> ItemGroups:
    return _group(((item.integration_id, item) for item in items), equality)


def psa_groups(items: Iterable[Item], equality: NameEquality = NameEquality.EXACT) -> ItemGroups:
    return _group(((_ALL_PSAS, item) for item in items), equality)


def exact_target(item: Item, vendor: ItemGroups, psa: ItemGroups) -> Item | None:
    """Returns the PSA item that carries the same label as this vendor item, both being the only ones."""
    if not item.usable:
        return None
    scope = item.integration_id
    pairs = (
        _only_pair(vendor.by_part_number, psa.by_part_number, scope, part_number(item)),
        _only_pair(vendor.by_name, psa.by_name, scope, name_label(item)),
        _only_pair(vendor.by_normal_name, psa.by_normal_name, scope, normal_label(item)),
    )
    return next((target for target in pairs if target and not contradiction_of(item, target)), None)


def contradiction_of(item: Item, target: Item) -> str:
    """Returns in words by what two items of one label are certainly two; empty when nothing says so."""
    if said := item_contradiction(item, target):
        return said
    if item.kind.mapping_kind is not MappingKind.ACCOUNT or name_label(item) == name_label(target):
        return ""
    forms = firm_name(item.name).legal_form, firm_name(target.name).legal_form
    return f"legal form {forms[0]} beside {forms[1]}" if all(forms) and forms[0] != forms[1] else ""


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
    shared = _shared_labels(item, mapped, vendor.equality)
    rivals = dict[tuple[ItemKind, str], Item]()
    for label in shared:
        others = _others(label, item, mapped, (vendor, psa), everywhere=pending)
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


def spelling_note(item: Item, target: Item) -> str | None:
    """Returns that the two are equal but for their spelling, for people; None when they are written alike."""
    if name_label(item) == name_label(target) or (
        part_number(item) and part_number(item) == part_number(target)
    ):
        return None
    return f"equal but for spelling or legal form: {item.name!r} and {target.name!r}"


def _group(scoped: Iterable[tuple[str, Item]], equality: NameEquality) -> ItemGroups:
    by_name: dict[tuple[str, str], list[Item]] = defaultdict(list)
    by_part_number: dict[tuple[str, str], list[Item]] = defaultdict(list)
    by_normal_name: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for scope, item in scoped:
        if item.usable:  # what is cancelled or inactive neither is mapped nor stands in another's way
            by_name[scope, name_label(item)].append(item)
            by_part_number[scope, part_number(item)].append(item)
            if equality is NameEquality.NORMALISED:
                by_normal_name[scope, normal_label(item)].append(item)
    return ItemGroups(by_name, by_part_number, by_normal_name, equality)


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


def _shared_labels(item: Item, mapped: Item, equality: NameEquality) -> list[_Label]:
    """Returns by which kinds of label, a part number or a name, the two are equal."""
    kinds = _LABELS if equality is NameEquality.NORMALISED else _LABELS[:2]
    return [label for label in kinds if label(item) and label(item) == label(mapped)]


def _others(
    label: _Label, item: Item, mapped: Item, sides: tuple[ItemGroups, ItemGroups], *, everywhere: bool
) -> dict[tuple[ItemKind, str], Item]:
    """Returns who else carries the label that the two share."""
    sources, targets = (
        groups.labelled(label).get((scope, label(item)), ())
        for groups, scope in zip(sides, (item.integration_id, _ALL_PSAS), strict=True)
    )
    rivals = [one for one in targets if everywhere or one.integration_id == mapped.integration_id]
    pair = ((item.kind, item.key), (mapped.kind, mapped.key))
    return {(one.kind, one.key): one for one in (*sources, *rivals) if (one.kind, one.key) not in pair}


def _only_pair(vendor: ItemsByLabel, psa: ItemsByLabel, scope: str, label: str) -> Item | None:
    if not label:  # an empty name or code says nothing
        return None
    sources, targets = vendor.get((scope, label), ()), psa.get((_ALL_PSAS, label), ())
    return targets[0] if len(sources) == len(targets) == 1 else None
