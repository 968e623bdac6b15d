"""What people ask to see, and how it is cut into pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from matcher.catalogue.items import Item, ItemKind
from shared.contracts.matcher import MappingDecided, MappingDecision, MappingKind

R = TypeVar("R")


class MappingState(StrEnum):
    """Where an item stands for a person who maps."""

    UNMAPPED = "unmapped"
    MAPPED = "mapped"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which items of a shelf; `search` is a part of the name or code in any case."""

    tenant_id: str
    shelf: ItemKind
    search: str = ""
    integration_id: str | None = None
    standing: MappingState | None = None


@dataclass(frozen=True, slots=True)
class MappingQuery:
    """Which mappings."""

    tenant_id: str
    kind: MappingKind | None = None
    decision: MappingDecision | None = None
    vendor_integration_id: str | None = None


@dataclass(frozen=True, slots=True)
class NamedMapping:
    """A mapping with the names that its ends have now; none for an end that was never observed."""

    mapping: MappingDecided
    vendor_name: str | None = None
    psa_name: str | None = None


@dataclass(frozen=True, slots=True)
class MappedItem:
    """An item with all that is decided about it."""

    item: Item
    links: tuple[NamedMapping, ...] = ()

    @property
    def standing(self) -> MappingState:
        decisions = {link.mapping.decision for link in self.links}
        if MappingDecision.APPROVED in decisions:
            return MappingState.MAPPED
        return MappingState.EXCLUDED if MappingDecision.EXCLUDED in decisions else MappingState.UNMAPPED


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and where the next ones start; nothing when these are the last."""

    rows: tuple[R, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class SortKey:
    """The last row of a page: what it is sorted by, and its key, which is nobody else's."""

    folded: str
    key: str


def folded(text: str) -> str:
    """For sorting and searching without regard to case, in any script."""
    return text.casefold()


def sort_key_of(item: Item) -> SortKey:
    return SortKey(folded(item.name), item.key)


def cursor_of(place: SortKey) -> str:
    text = json.dumps([place.folded, place.key], ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).decode()


def sort_key_at(cursor: str) -> SortKey:
    """Raises `ValueError` for anything that `cursor_of` did not make."""
    parts = json.loads(urlsafe_b64decode(cursor.encode()))
    match parts:
        case [str(name), str(key)]:
            return SortKey(name, key)
        case _:
            raise ValueError("not a place")
