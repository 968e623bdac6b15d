"""What people ask of the catalogue, checked."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from matcher.catalogue.item_order import FIRST, OTHERS, PageBounds, seen_at
from matcher.catalogue.items import ItemKind, VendorItemRef
from matcher.catalogue.search import ItemFilter, ItemQuery, ItemSort, SearchField
from shared.contracts.base import Side
from shared.contracts.fields import checked_id
from shared.contracts.matcher import MappingKind
from shared.limits.messages import ID_CHARACTERS
from shared.limits.people import PAGE_ROWS
from shared.plain_text import counted
from shared.runtime.clock import utc_now
from shared.web.pagination import PageLimit, PairCursor
from shared.web.person import Person
from shared.web.requests import Id, SearchText

NEW_WITHIN = timedelta(days=7)
"""How long an item is `new` to whoever does not say since when: a week's work is looked at together."""
DEFAULT_LIMIT = 50
"""Rows of a page: as many as a person looks through at once."""


def _item_end(like: object) -> object:
    """Returns integration and id of `integration:id`; an id may hold colons, an integration's does not."""
    text = like[0] if isinstance(like, list) and len(like) == 1 else like  # as FastAPI collects a tuple
    integration_id, colon, id_ = str(text).partition(":")
    if not colon:
        raise ValueError("name the item as `integration:id`")
    return checked_id(integration_id), checked_id(id_)


_LIKE_CHARACTERS = 2 * ID_CHARACTERS.most + 1
_LikeText = Annotated[str, Field(max_length=_LIKE_CHARACTERS)]
LikeRef = Annotated[tuple[str, str], BeforeValidator(_item_end, json_schema_input_type=_LikeText)]
"""An item by integration and id, written with a colon between them."""


class ItemRequest(BaseModel):
    """Which items of one kind."""

    # Not a `PageRequest`: rows are sorted by a text, then by key, so that a cursor here holds both.
    model_config = ConfigDict(frozen=True, extra="forbid")

    after: PairCursor | None = Field(None, description="`next` of the page before; none for the first.")
    before: PairCursor | None = Field(None, description="`previous` of the page behind, in place of `after`.")
    limit: PageLimit = Field(DEFAULT_LIMIT, description="How many at most.")
    search: SearchText = Field(
        "",
        description="Words, each the beginning of one of the name's or the code's. Their order, case and"
        " accents do not matter.",
        examples=["dental cont", "M365-B"],
    )
    by: SearchField = Field(
        SearchField.NAME,
        description="What comes first of all that is found: names that begin with `search`, or codes.",
    )
    state: Annotated[frozenset[ItemFilter], Field(max_length=len(ItemFilter))] = Field(
        frozenset(),
        description="Only items that are one of these. `suggested`: undecided, with a proposal; `new`: first"
        " seen since `since`.",
        examples=[["unmapped"], ["suggested", "new"]],
    )
    since: AwareDatetime | None = Field(
        None,
        description="From when on an item is `new`; seven days ago without it.",
        examples=["2026-11-23T09:00:00Z"],
    )
    sort: ItemSort = Field(
        ItemSort.NAME,
        description="By name; what was first seen last at the top; or first what is worth most of all that is"
        " used and not compared, amounts of different currencies as they stand, then by name.",
    )
    like: LikeRef | None = Field(
        None,
        description="An item of the other side, `integration:id`: what is proposed for it comes first, then"
        " what looks like it, then all others by name.",
        examples=["int_1190feebee4bd1d7:1000027"],
    )
    ids: Annotated[frozenset[Id], Field(max_length=PAGE_ROWS.most), counted(PAGE_ROWS)] = Field(
        frozenset(), description="Only items with one of these ids.", examples=[["1a2b", "3c4d"]]
    )
    integration_id: Id | None = Field(None, description="Only items of this integration.")
    with_: Literal["proposal"] | None = Field(
        None,
        alias="with",
        description="`proposal`: each undecided vendor item with what it is likeliest to be.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.after and self.before:
            raise ValueError("send `after` or `before`: a page goes on from one row only")
        if self.like and self.sort is not ItemSort.NAME:
            raise ValueError("send `like` or `sort`: a list that is ranked by likeness has no other order")
        for cursor in (self.after, self.before):
            if cursor and self.sort is ItemSort.NEWEST:
                try:
                    seen_at(cursor[0])
                except ValueError:
                    raise ValueError("the cursor is one of a list that is sorted by name") from None
            if (
                cursor
                and (self.like or self.sort is ItemSort.BILLABLE)
                and cursor[0][:1] not in (FIRST, OTHERS)
            ):
                raise ValueError("the cursor is one of a list in another order")
        return self

    @property
    def bounds(self) -> PageBounds:
        return PageBounds(self.after, self.before, self.limit)

    def query(self, tenant_id: str, kind: ItemKind) -> ItemQuery:
        return ItemQuery(
            tenant_id=tenant_id,
            kind=kind,
            search=self.search.strip(),
            integration_id=self.integration_id,
            filters=self.state,
            since=self.since or utc_now() - NEW_WITHIN,
            ids=self.ids,
            by=self.by,
            sort=self.sort,
            like=self.like,
            with_proposal=self.with_ is not None,
        )


class AccountRequest(ItemRequest):
    """Which accounts of which side."""

    side: Side = Field(description="`vendor`: customers of the marketplace; `psa`: companies of the PSA.")


class VendorItemPath:
    """The vendor item that the path names."""

    def __init__(
        self,
        kind: MappingKind,
        vendor_integration_id: Annotated[Id, Path()],
        vendor_id: Annotated[Id, Path()],
    ) -> None:
        self._kind, self._integration_id, self._id = kind, vendor_integration_id, vendor_id

    def ref(self, person: Person) -> VendorItemRef:
        return VendorItemRef(person.tenant_id, self._kind, self._integration_id, self._id)
