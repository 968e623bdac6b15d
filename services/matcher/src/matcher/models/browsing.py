"""What people ask to see, and how it is cut into pages."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from matcher.models.items import Item, Shelf
from shared.contracts.matcher import Decision, MappingDecided, MappingKind

R = TypeVar("R")


class Standing(StrEnum):
    """Where an item stands for a person who maps."""

    UNMAPPED = "unmapped"
    MAPPED = "mapped"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items of a shelf; `search` is a part of the name or code in any case."""

    tenant_id: str
    shelf: Shelf
    search: str = ""
    integration_id: str | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class WantedMappings:
    """Which mappings."""

    tenant_id: str
    kind: MappingKind | None = None
    decision: Decision | None = None
    vendor_integration_id: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A mapping with the names that its ends have now; none for an end that was never observed."""

    mapping: MappingDecided
    vendor_name: str | None = None
    psa_name: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An item with all that is decided about it."""

    item: Item
    links: tuple[Link, ...] = ()

    @property
    def standing(self) -> Standing:
        decisions = {link.mapping.decision for link in self.links}
        if Decision.APPROVED in decisions:
            return Standing.MAPPED
        return Standing.EXCLUDED if Decision.EXCLUDED in decisions else Standing.UNMAPPED


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Some rows, and where the next ones start; nothing when these are the last."""

    rows: tuple[R, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The last row of a page: what it is sorted by, and its key, which is nobody else's."""

    folded: str
    key: str


def folded(text: str) -> str:
    """For sorting and searching without regard to case, in any script."""
    return text.casefold()


def place_of(item: Item) -> Place:
    return Place(folded(item.name), item.key)


def cursor_of(place: Place) -> str:
    text = json.dumps([place.folded, place.key], ensure_ascii=False)
    return urlsafe_b64encode(text.encode()).decode()


def place_at(cursor: str) -> Place:
    """Raises `ValueError` for anything that `cursor_of` did not make."""
    parts = json.loads(urlsafe_b64decode(cursor.encode()))
    match parts:
        case [str(name), str(key)]:
            return Place(name, key)
        case _:
            raise ValueError("not a place")
