"""Usage lines as people browse them: filtered, searched, in one order that a cursor can go on in."""

import re
from dataclasses import dataclass

from billing.models.usage_line import UsageLine
from shared.contracts.base import key_of
from shared.contracts.billing import LineClass
from shared.mongo import Document, Index, Mongo

LINES = "usage_lines"
LISTING_INDEXES = (
    Index(LINES, [("tenant_id", 1), ("present", 1), ("place", 1)]),
    Index(LINES, [("tenant_id", 1), ("present", 1), ("line_class", 1), ("place", 1)]),
)

_NAMES_END = "\x1f"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; `search` is part of any name of the line, in any case; `after` is a place."""

    line_class: LineClass | None = None
    search: str | None = None
    after: str | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines, and the place of the last if there are more."""

    lines: tuple[UsageLine, ...]
    next: str | None = None


def browsable(line: UsageLine) -> Document:
    """What is stored beside a line so that it can be found: its place among its tenant's, and its names."""
    names = line.names
    account = names.psa_account or "".join(names.vendor_accounts[:1])
    sold = names.product or "".join(names.services[:1])
    called = [*names.vendor_accounts, *names.services, names.psa_account, names.product, names.product_key]
    return {
        "place": _NAMES_END.join((account.casefold(), sold.casefold(), line.line_id)),
        "search": _NAMES_END.join(name.casefold() for name in called if name),
    }


class Listing:
    """Reads pages of a tenant's lines; a line whose names change meanwhile may be met twice or not at all."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def page(self, tenant_id: str, wanted: Wanted) -> Page:
        """Ordered by account, then product."""
        rows = await self._mongo.documents(LINES, tenant_id).find(
            _filter(wanted), sort=[("place", 1)], limit=wanted.limit + 1
        )
        more = rows[wanted.limit - 1]["place"] if len(rows) > wanted.limit else None
        return Page(tuple(UsageLine.model_validate(row) for row in rows[: wanted.limit]), more)

    async def get(self, tenant_id: str, line_id: str) -> UsageLine | None:
        row = await self._mongo.documents(LINES, tenant_id).get(key_of(tenant_id, line_id))
        return UsageLine.model_validate(row) if row and row["present"] else None


def _filter(wanted: Wanted) -> Document:
    chosen: Document = {"present": True}
    if wanted.line_class:
        chosen["line_class"] = wanted.line_class.value
    if wanted.search:
        chosen["search"] = {"$regex": re.escape(wanted.search.casefold())}
    if wanted.after:
        chosen["place"] = {"$gt": wanted.after}
    return chosen
