"""Which item of a new PSA takes the place of one of the old: by what was before, by code, or by name."""

# Invariant: an answer names one item and says why; where two could be meant there is none. What a person
# decided before outweighs what items are called, and a code outweighs a name:
#
#   old 9 "Contoso" (C9)   new 41 "Contoso" (K1), 42 "Fabrikam" (C9)   code: 42   mapped to 41 before: 41
#   old 9 "Contoso"        new 41 "Contoso", 42 "Contoso"              two of a name: none by name

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from matcher.catalogue.items import Item, label_of, name_label
from matcher.proposals.models import RankedItem

LEAST_PROBABILITY = 0.5
"""A likeness below it is no answer: it would be wrong more often than right."""


@dataclass(frozen=True, slots=True)
class Successor:
    """The item of the new PSA, and what speaks for it; without one, why there is none."""

    item: Item | None
    words: str


@dataclass(frozen=True, slots=True)
class SuccessionIndex:
    """The usable items of both PSAs of one kind, by code and by name."""

    by_key: Mapping[str, Item]
    by_code: Mapping[str, Sequence[Item]]
    by_name: Mapping[str, Sequence[Item]]
    old_by_name: Mapping[str, Sequence[Item]]

    @classmethod
    def of(cls, old: Iterable[Item], new: Sequence[Item]) -> "SuccessionIndex":
        return cls(
            by_key={item.key: item for item in new},
            by_code=_grouped((label_of(item.code), item) for item in new),
            by_name=_grouped((name_label(item), item) for item in new),
            old_by_name=_grouped((name_label(item), item) for item in old),
        )

    def by_equality(self, old: Item) -> Successor | None:
        """Returns the only item of the same code, or else of the same name, which is unique on both sides."""
        code, name = label_of(old.code), name_label(old)
        if code and len(same := self.by_code.get(code, ())) == 1:
            return Successor(same[0], f"same code {code!r}")
        rivals = [one for one in self.old_by_name.get(name, ()) if one.key != old.key]
        if name and not rivals and len(same := self.by_name.get(name, ())) == 1:
            return Successor(same[0], f"same name {name!r}")
        return None

    def by_likeness(self, old: Item, ranked: Sequence[RankedItem]) -> Successor:
        """Returns the likeliest item, if it is likelier than not."""
        likeliest = ranked[0] if ranked else None
        item = self.by_key.get(likeliest.psa_key) if likeliest else None
        if likeliest is None or item is None:
            return Successor(None, f"nothing in the new PSA is like {old.name!r}: choose by hand")
        percent = round(likeliest.probability * 100)
        reasons = "; ".join(reason.words for reason in likeliest.reasons[:3])
        if likeliest.probability < LEAST_PROBABILITY:
            sentence = (
                f"the likeliest for {old.name!r} is {item.name!r} ({item.id}), at {percent} %: choose by hand"
            )
            return Successor(None, sentence)
        return Successor(item, f"{percent} % likely: {reasons}")


def _grouped(labelled: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for label, item in labelled:
        if label:
            groups[label].append(item)
    return groups
