"""What people ask of the catalogue, checked."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from matcher.catalogue.search import MappingState
from shared.contracts.base import Side
from shared.web.pagination import PairCursor

Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
"""An id as a provider or auth gave it; control characters are in none."""
DEFAULT_LIMIT = 50
"""Rows of a page: as many as a person looks through at once."""


class ItemRequest(BaseModel):
    """Which items of one kind."""

    # Not a `PageRequest`: rows are sorted by name, then by key, so that a cursor here holds both.
    model_config = ConfigDict(frozen=True, extra="forbid")

    after: PairCursor | None = Field(None, description="`next` of the page before; none for the first.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=500, description="How many at most.")
    search: str = Field(
        "",
        max_length=200,
        pattern=r"^[^\x00-\x1f]*$",
        description="Part of the name or code, in any case; taken as text, not as a pattern.",
    )
    state: MappingState | None = Field(None, description="Only items in this state.")
    integration_id: Id | None = Field(None, description="Only items of this integration.")


class AccountRequest(ItemRequest):
    """Which accounts of which side."""

    side: Side = Field(description="`vendor`: customers of the marketplace; `psa`: companies of the PSA.")
