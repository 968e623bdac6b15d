"""What people search the catalogue for, how its lists are sorted, and in which state an item is."""

# Invariant: the state of an item (unmapped, mapped, excluded) is kept with the mappings and nowhere else, so
# the two cannot disagree. A list by state is therefore the items in their sort order, filtered by a set of
# items, or by all that are not of the set:
#
#   vendor accounts   A (approved)   B (excluded)   C (revoked)   D (nothing decided, something proposed)
#   mapped            the approved           → A       suggested   proposed and not decided → D
#   excluded          the excluded           → B       unmapped    all but A and B          → C, D
#
# A list is sorted by name without regard to case, or by when an item was first seen, newest first. A search
# puts what begins with it first. Equals are sorted by key: two items may share a name, never a key.

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.likeness import Likeness
from matcher.catalogue.words import words_of
from matcher.uncompared_usage.models import UsageSum
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecided, MappingDecision, ProposedItem

R = TypeVar("R")

SortKey = tuple[str, str]
"""What a list is sorted by, as a text, and the key of the item: a cursor names both."""
ItemEnd = tuple[str, str]
"""An item by integration id and item id, as the end of a mapping names it."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for when an item was first seen that was stored before that was noted."""


class MappingState(StrEnum):
    """What a person who maps sees of an item: whether it still needs a decision."""

    UNMAPPED = "unmapped"
    MAPPED = "mapped"
    EXCLUDED = "excluded"


class ItemFilter(StrEnum):
    """By what a person narrows a list: a state, or what is worth a look."""

    UNMAPPED = "unmapped"
    MAPPED = "mapped"
    EXCLUDED = "excluded"
    SUGGESTED = "suggested"
    """Undecided, and something is proposed for it."""
    NEW = "new"
    """First seen since a moment that the person names."""


class ItemSort(StrEnum):
    """By what a list is sorted."""

    NAME = "name"
    NEWEST = "-seen"
    BILLABLE = "-billable"
    """What is worth most and is not compared first, then what has nothing of that, by name."""


class SearchField(StrEnum):
    """Of which text a search is the beginning of what comes first."""

    NAME = "name"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items of one kind are wanted, and in which order."""

    tenant_id: str
    kind: ItemKind
    search: str = ""
    integration_id: str | None = None
    filters: frozenset[ItemFilter] = frozenset()
    """Items that meet one of them; none stands for all items."""
    since: datetime | None = None
    """From when on an item is new."""
    ids: frozenset[str] = frozenset()
    by: SearchField = SearchField.NAME
    sort: ItemSort = ItemSort.NAME
    with_proposal: bool = False
    """Whether each undecided item comes with what it is likeliest to be."""
    like: ItemEnd | None = None
    """An item of the other side: what looks like it comes first."""

    @property
    def is_ranked(self) -> bool:
        """Whether the list begins with items in an order that other items, or their usage, make."""
        return self.like is not None or self.sort is ItemSort.BILLABLE

    @property
    def words(self) -> list[str]:
        return words_of(self.search)


@dataclass(frozen=True, slots=True)
class StateFilter:
    """Which items meet a query's filters: those of a set, or all others, and what is new."""

    ends: Collection[ItemEnd]
    others: bool = False
    """Whether all but those of the set are meant."""
    since: datetime | None = None
    """From when on an item meets the filters however it stands."""

    def accepts(self, end: ItemEnd, first_seen_at: datetime) -> bool:
        is_new = self.since is not None and first_seen_at >= self.since
        return is_new or (end in self.ends) is not self.others


@dataclass(frozen=True, slots=True)
class NamedMapping:
    """A mapping with the present names of its ends; None for an end that was never observed."""

    mapping: MappingDecided
    vendor_name: str | None = None
    psa_name: str | None = None


@dataclass(frozen=True, slots=True)
class NamedProposal:
    """What an item is likeliest to be, under its present name."""

    proposed: ProposedItem
    psa_name: str | None = None


@dataclass(frozen=True, slots=True)
class MappedItem:
    """An item with every mapping that has it at its end."""

    item: Item
    mappings: tuple[NamedMapping, ...] = ()
    uncompared: UsageSum | None = None
    """Of a vendor item, what it uses that is not compared; None where there is nothing of that."""
    likeness: Likeness | None = None
    """To the item that the list is ranked by."""
    proposal: NamedProposal | None = None
    """None unless it was asked for, the item is undecided, and something is proposed for it."""

    @property
    def state(self) -> MappingState:
        decisions = {named.mapping.decision for named in self.mappings}
        if MappingDecision.APPROVED in decisions:
            return MappingState.MAPPED
        return MappingState.EXCLUDED if MappingDecision.EXCLUDED in decisions else MappingState.UNMAPPED


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Rows of a list, and the sort keys where its neighbours begin; None where there is no neighbour."""

    rows: tuple[R, ...]
    next: SortKey | None = None
    previous: SortKey | None = None
    total: int | None = None


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
