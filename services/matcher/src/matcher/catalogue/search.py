"""What people search the catalogue for, how its lists are sorted, and in which state an item is."""

# Invariant: the state of an item (unmapped, mapped, excluded) is kept with the mappings and nowhere else, so
# the two cannot disagree. A list by state is therefore the items in their sort order, filtered by a set of
# decided items:
#
#   vendor accounts   A (approved)   B (excluded)   C (revoked)   D (nothing)
#   state=mapped      the approved           → A
#   state=excluded    the excluded           → B
#   state=unmapped    all but A and B        → C, D: a revocation leaves nothing decided
#
# Lists are sorted by name without regard to case, then by key: two items may share a name, never a key.

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from matcher.catalogue.items import Item, ItemKind
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision
from shared.plain_text import sort_text

R = TypeVar("R")

SortKey = tuple[str, str]
"""The sort text of an item's name, and its key."""


class MappingState(StrEnum):
    """What a person who maps sees of an item: whether it still needs a decision."""

    UNMAPPED = "unmapped"
    MAPPED = "mapped"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items of one kind are wanted; `search` is a part of the name or code in any case."""

    tenant_id: str
    kind: ItemKind
    search: str = ""
    integration_id: str | None = None
    state: MappingState | None = None


@dataclass(frozen=True, slots=True)
class StateFilter:
    """Which items are in a state: those decided on, or for `unmapped` all others."""

    decided: Collection[tuple[str, str]]
    """Pairs of integration id and item id."""
    state: MappingState

    def accepts(self, integration_id: str, item_id: str) -> bool:
        return ((integration_id, item_id) in self.decided) is (self.state is not MappingState.UNMAPPED)


@dataclass(frozen=True, slots=True)
class NamedMapping:
    """A mapping with the present names of its ends; None for an end that was never observed."""

    mapping: MappingDecided
    vendor_name: str | None = None
    psa_name: str | None = None


@dataclass(frozen=True, slots=True)
class MappedItem:
    """An item with every mapping that has it at its end."""

    item: Item
    mappings: tuple[NamedMapping, ...] = ()

    @property
    def state(self) -> MappingState:
        decisions = {named.mapping.decision for named in self.mappings}
        if MappingDecision.APPROVED in decisions:
            return MappingState.MAPPED
        return MappingState.EXCLUDED if MappingDecision.EXCLUDED in decisions else MappingState.UNMAPPED


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of a list, and the sort key behind which the next page begins; None when these are the last."""

    rows: tuple[R, ...]
    next: tuple[str, ...] | None = None


def folded(text: str) -> str:
    """Returns the text for searching without regard to case, in any script."""
    return text.casefold()


def sort_key_of(item: Item) -> SortKey:
    return sort_text(item.name), item.key


def next_sort_key(
    found: Sequence[R], limit: int, sort_key: Callable[[R], tuple[str, ...]]
) -> tuple[str, ...] | None:
    """Returns the sort key of a page's last row; None when no row was found beyond the page's limit."""
    return sort_key(found[limit - 1]) if len(found) > limit else None


def decisions_of(state: MappingState, side: Side) -> frozenset[MappingDecision]:
    """Returns the decisions that put an item into the state; for `unmapped`, those that take it out."""
    decisions = {
        MappingState.MAPPED: frozenset({MappingDecision.APPROVED}),
        MappingState.EXCLUDED: frozenset({MappingDecision.EXCLUDED}),
        MappingState.UNMAPPED: frozenset({MappingDecision.APPROVED, MappingDecision.EXCLUDED}),
    }[state]
    # An exclusion has no PSA end: nothing of the PSA is ever excluded.
    return decisions - {MappingDecision.EXCLUDED} if side is Side.PSA else decisions
