"""What people ask of the catalogue, checked."""

from pydantic import BaseModel, ConfigDict, Field

from matcher.catalogue.search import MappingState
from shared.contracts.base import Side
from shared.web.pagination import PageLimit, PairCursor
from shared.web.requests import Id, SearchText

DEFAULT_LIMIT = 50
"""Rows of a page: as many as a person looks through at once."""


class ItemRequest(BaseModel):
    """Which items of one kind."""

    # Not a `PageRequest`: rows are sorted by name, then by key, so that a cursor here holds both.
    model_config = ConfigDict(frozen=True, extra="forbid")

    after: PairCursor | None = Field(None, description="`next` of the page before; none for the first.")
    limit: PageLimit = Field(DEFAULT_LIMIT, description="How many at most.")
    search: SearchText = Field("", description="Part of the name or code, in any case.")
    state: MappingState | None = Field(None, description="Only items in this state.")
    integration_id: Id | None = Field(None, description="Only items of this integration.")


class AccountRequest(ItemRequest):
    """Which accounts of which side."""

    side: Side = Field(description="`vendor`: customers of the marketplace; `psa`: companies of the PSA.")
