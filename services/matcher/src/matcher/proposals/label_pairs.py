"""Which items belong together by labels alone: the rule of equality, for catalogue and plain lists."""

# Invariant: a vendor item and a PSA item are a pair when both carry a label that no other usable item of
# their side carries. The rule is a function of the present items: the order in which they became known does
# not matter. The part number is tried first, then the name as it is written; where spelling does not count,
# then the name without its spelling and legal form.
#
#   vendor: 1 "Contoso"  2 "Fabrikam"  3 "Fabrikam"  4 "Zeta"      PSA: 8 "Contoso"  9 "Fabrikam"  7 "zeta"
#   1 → 8: alone on both sides    2, 3: two of a name, a guess which is meant    4: "zeta" is not "Zeta"
#
# The vendor's item must be alone within its marketplace, for two marketplaces may know the same customer; the
# PSA's item among all PSAs of the tenant. Equal names of two firms do exist: what says that a pair is two
# (other tax ids, another term) is believed more than its label (`contradictions.py`).

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from matcher.catalogue.items import (
    Item,
    ItemKind,
    name_label,
    normal_label,
    part_number,
)
from matcher.catalogue.normal_names import firm_name
from matcher.proposals.contradictions import item_contradiction
from shared.contracts.matcher import MappingKind, NameEquality

ItemsByLabel = Mapping[tuple[str, str], Sequence[Item]]
"""By scope, within which a label must be unique, and label."""

ALL_PSAS = ""
"""The one scope of PSA items; a vendor item's scope is its integration id."""


Label = Callable[[Item], str]
LABELS: tuple[Label, ...] = (part_number, name_label, normal_label)
"""The last only where spelling does not count."""


@dataclass(frozen=True, slots=True)
class ItemGroups:
    """The usable items of one side by name and by part number."""

    by_name: ItemsByLabel
    by_part_number: ItemsByLabel
    by_normal_name: ItemsByLabel
    equality: NameEquality

    def labelled(self, label: Label) -> ItemsByLabel:
        names = self.by_normal_name if label is normal_label else self.by_name
        return self.by_part_number if label is part_number else names


def vendor_groups(items: Iterable[Item], equality: NameEquality = NameEquality.EXACT) -> ItemGroups:
    return _group(((item.integration_id, item) for item in items), equality)


def psa_groups(items: Iterable[Item], equality: NameEquality = NameEquality.EXACT) -> ItemGroups:
    return _group(((ALL_PSAS, item) for item in items), equality)


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


def shared_labels(item: Item, mapped: Item, equality: NameEquality) -> list[Label]:
    """Returns by which kinds of label, a part number or a name, the two are equal."""
    kinds = LABELS if equality is NameEquality.NORMALISED else LABELS[:2]
    return [label for label in kinds if label(item) and label(item) == label(mapped)]


def others_labelled(
    label: Label, item: Item, mapped: Item, sides: tuple[ItemGroups, ItemGroups], *, everywhere: bool
) -> dict[tuple[ItemKind, str], Item]:
    """Returns who else carries the label that the two share."""
    sources, targets = (
        groups.labelled(label).get((scope, label(item)), ())
        for groups, scope in zip(sides, (item.integration_id, ALL_PSAS), strict=True)
    )
    rivals = [one for one in targets if everywhere or one.integration_id == mapped.integration_id]
    pair = ((item.kind, item.key), (mapped.kind, mapped.key))
    return {(one.kind, one.key): one for one in (*sources, *rivals) if (one.kind, one.key) not in pair}


def _only_pair(vendor: ItemsByLabel, psa: ItemsByLabel, scope: str, label: str) -> Item | None:
    if not label:  # an empty name or code says nothing
        return None
    sources, targets = vendor.get((scope, label), ()), psa.get((ALL_PSAS, label), ())
    return targets[0] if len(sources) == len(targets) == 1 else None
