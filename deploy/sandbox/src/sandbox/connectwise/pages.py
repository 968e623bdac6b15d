"""Pages of a list: `Link` headers of navigable paging, and forward-only paging by `pageId`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.connectwise.conditions import Predicate, compiled
from sandbox.connectwise.errors import invalid
from sandbox.connectwise.fields import Record, Resource, value_at

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 25, 1000
PAGES = ("page", "pageid")


@dataclass(frozen=True, slots=True)
class Query:
    """A list request; its parameters' names may be in any case, as one public client sends them."""

    url: str
    given: Mapping[str, str]
    resource: Resource
    forward_only: bool = False

    @property
    def predicate(self) -> Predicate:
        text = self._text("conditions")
        return compiled(text, self.resource) if text.strip() else _everything

    @property
    def page_size(self) -> int:
        return min(self._number("pagesize", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)

    @property
    def page(self) -> int:
        return self._number("page", 1)

    @property
    def page_id(self) -> int:
        """The id after which rows start; only forward-only paging heeds it."""
        return self._number("pageid", 0, least=0) if self.forward_only else 0

    @property
    def order(self) -> list[tuple[str, bool]]:
        """Fields with whether they descend."""
        return [self._ordering(part) for part in self._text("orderby").split(",") if part.strip()]

    @property
    def fields(self) -> list[str]:
        return [name.strip() for name in self._text("fields").split(",") if name.strip()]

    def link(self, name: str, number: int, rel: str) -> str:
        """A link to another page, its number last in the query: `pyconnectwise` looks for it there."""
        kept = [(key, value) for key, value in self.given.items() if key.lower() not in PAGES]
        query = urlencode([*kept, (name, str(number))], quote_via=quote, safe="")
        return f'<{self.url}?{query}>; rel="{rel}"'

    def _text(self, name: str) -> str:
        return next((value for key, value in self.given.items() if key.lower() == name), "")

    def _number(self, name: str, default: int, least: int = 1) -> int:
        text = self._text(name) or str(default)
        if not text.isdecimal() or int(text) < least:
            raise invalid(self.resource.name, name, f"{name} must be a whole number not less than {least}")
        return int(text)

    def _ordering(self, part: str) -> tuple[str, bool]:
        match = re.fullmatch(r"\s*([\w/]+)(?:\s+(asc|desc))?\s*", part, re.IGNORECASE)
        if match is None or match[1] not in self.resource.fields:
            raise invalid(self.resource.name, "orderBy", f"'{part.strip()}' cannot be ordered by")
        path = "_info/lastUpdated" if match[1] == "lastUpdated" else match[1]
        return path, (match[2] or "").lower() == "desc"


def page_of(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    """The page that is asked for, with its headers; `rows` start after `pageId` in the order of their ids."""
    if query.forward_only:
        page, headers = _forward(rows, query)
    else:
        page, headers = _numbered(rows, query)
    return [projected(row, query.fields) for row in page], headers


def count_of(rows: Iterable[Record], query: Query) -> int:
    return sum(map(query.predicate, rows))


def projected(row: Record, fields: list[str]) -> Record:
    """Only the named fields, or all if none is; `_info` is dropped, too, unless it is named."""
    if not fields:
        return row
    kept: Record = {}
    for path in fields:
        name, _, member = path.partition("/")
        value = value_at(row, path)
        if value is None:
            continue
        if member:
            kept.setdefault(name, {})[member] = value
        else:
            kept[name] = value
    return kept


def _forward(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    """As many rows as fit; the last page has a `Link` header, too, but an empty one."""
    if query.order:
        raise invalid(query.resource.name, "orderBy", "orderBy cannot be used with forward-only paging")
    matching = filter(query.predicate, rows)
    page = list(islice(matching, query.page_size))
    more = next(matching, None) is not None
    return page, {"Link": query.link("pageId", page[-1]["id"], "next") if more else ""}


def _numbered(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    found = list(filter(query.predicate, rows))
    # Sorting is stable, so the least important field goes first.
    for path, descending in reversed(query.order):
        found.sort(key=lambda row, path=path: _sortable(value_at(row, path)), reverse=descending)  # type: ignore[misc] # mypy cannot type a default in a lambda
    first = (query.page - 1) * query.page_size
    return found[first : first + query.page_size], _links(query, -(-len(found) // query.page_size))


def _links(query: Query, last: int) -> dict[str, str]:
    """A list that fits on one page has no `Link` header."""
    if last <= 1:
        return {}
    targets = {"first": 1, "prev": min(query.page - 1, last), "next": query.page + 1, "last": last}
    wanted = {rel: number for rel, number in targets.items() if 1 <= number <= last}
    return {"Link": ", ".join(query.link("page", number, rel) for rel, number in wanted.items())}


def _sortable(value: Any) -> tuple[bool, Any]:
    return value is not None, value.casefold() if isinstance(value, str) else value


def _everything(_record: Record) -> bool:
    return True
