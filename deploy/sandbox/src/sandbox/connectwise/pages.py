"""Divides lists into pages: navigable paging by number, and forward-only paging by `pageId`."""

# Navigable paging (the default) numbers pages from 1 and may be ordered.  It shifts while rows are added, as
# the real one does: a reader that needs every row once asks for an order by id or uses the other kind.
#
# Forward-only paging (header `pagination-type: forward-only`) starts after the row whose id is `pageId`, in
# the order of ids, so a row is never skipped or repeated however many are added meanwhile.  Its last page is
# recognised by an empty `Link` header, not by a missing one:
#   ids 1 2 3 4 5, pageSize 2:  [1 2] next pageId=2 → [3 4] next pageId=4 → [5] `Link:` empty.

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

from sandbox.connectwise.conditions import Predicate, compile_conditions
from sandbox.connectwise.errors import invalid
from sandbox.connectwise.fields import Record, Resource, value_at

DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 25, 1000
PAGE_PARAMETERS = ("page", "pageid")


@dataclass(frozen=True, slots=True)
class Query:
    """A list request; its parameters' names may be in any case, since one public client sends them so."""

    url: str
    given: Mapping[str, str]
    resource: Resource
    forward_only: bool = False

    @property
    def predicate(self) -> Predicate:
        text = self._text("conditions")
        return compile_conditions(text, self.resource) if text.strip() else lambda _record: True

    @property
    def page_size(self) -> int:
        return min(self._number("pagesize", DEFAULT_PAGE_SIZE), MAX_PAGE_SIZE)

    @property
    def page(self) -> int:
        return self._number("page", 1)

    @property
    def page_id(self) -> int:
        """The id after which rows start; navigable paging ignores it."""
        return self._number("pageid", 0, least=0) if self.forward_only else 0

    @property
    def order(self) -> list[tuple[str, bool]]:
        """Field paths, each with whether it descends."""
        return [self._parse_ordering(part) for part in self._text("orderby").split(",") if part.strip()]

    @property
    def fields(self) -> list[str]:
        return [name.strip() for name in self._text("fields").split(",") if name.strip()]

    def link(self, name: str, number: int, rel: str) -> str:
        """Return a link to another page."""
        # The number comes last in the query: `pyconnectwise` looks for it there.
        others = [(key, value) for key, value in self.given.items() if key.lower() not in PAGE_PARAMETERS]
        query = urlencode([*others, (name, str(number))], quote_via=quote, safe="")
        return f'<{self.url}?{query}>; rel="{rel}"'

    def _text(self, name: str) -> str:
        return next((value for key, value in self.given.items() if key.lower() == name), "")

    def _number(self, name: str, default: int, least: int = 1) -> int:
        text = self._text(name) or str(default)
        if not text.isdecimal() or int(text) < least:
            raise invalid(self.resource.name, name, f"{name} must be a whole number not less than {least}")
        return int(text)

    def _parse_ordering(self, part: str) -> tuple[str, bool]:
        match = re.fullmatch(r"\s*([\w/]+)(?:\s+(asc|desc))?\s*", part, re.IGNORECASE)
        if match is None or match[1] not in self.resource.fields:
            raise invalid(self.resource.name, "orderBy", f"'{part.strip()}' cannot be ordered by")
        path = "_info/lastUpdated" if match[1] == "lastUpdated" else match[1]
        return path, (match[2] or "").lower() == "desc"


def paginate(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    """Return the requested page and its headers; `rows` start after `pageId`, in the order of their ids."""
    if query.forward_only:
        page, headers = _forward_only_page(rows, query)
    else:
        page, headers = _numbered_page(rows, query)
    return [project(row, query.fields) for row in page], headers


def count_matching(rows: Iterable[Record], query: Query) -> int:
    return sum(map(query.predicate, rows))


def project(row: Record, fields: list[str]) -> Record:
    """Return only the named fields, or all if none is named; `_info` is dropped, too, unless it is named."""
    if not fields:
        return row
    projection: Record = {}
    for path in fields:
        name, _, member = path.partition("/")
        value = value_at(row, path)
        if value is None:
            continue
        if member:
            projection.setdefault(name, {})[member] = value
        else:
            projection[name] = value
    return projection


def _forward_only_page(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    """Return as many rows as fit; the last page's `Link` header is there and empty."""
    if query.order:
        raise invalid(query.resource.name, "orderBy", "orderBy cannot be used with forward-only paging")
    matching = filter(query.predicate, rows)
    page = list(islice(matching, query.page_size))
    # One row more is looked at: a full last page must not link to an empty one.
    more = next(matching, None) is not None
    return page, {"Link": query.link("pageId", page[-1]["id"], "next") if more else ""}


def _numbered_page(rows: Iterable[Record], query: Query) -> tuple[list[Record], dict[str, str]]:
    matching = list(filter(query.predicate, rows))
    # Sorting is stable, so the least important field goes first.
    for path, descending in reversed(query.order):
        matching.sort(key=lambda row, path=path: _sort_key(value_at(row, path)), reverse=descending)  # type: ignore[misc] # mypy cannot type a default in a lambda
    first = (query.page - 1) * query.page_size
    return matching[first : first + query.page_size], _links(query, -(-len(matching) // query.page_size))


def _links(query: Query, last: int) -> dict[str, str]:
    """Return the `Link` header; a list that fits on one page has none."""
    if last <= 1:
        return {}
    targets = {"first": 1, "prev": min(query.page - 1, last), "next": query.page + 1, "last": last}
    existing = {rel: number for rel, number in targets.items() if 1 <= number <= last}
    return {"Link": ", ".join(query.link("page", number, rel) for rel, number in existing.items())}


def _sort_key(value: Any) -> tuple[bool, Any]:
    # Unset fields come first, and are never compared with values.
    return value is not None, value.casefold() if isinstance(value, str) else value
