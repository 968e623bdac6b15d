"""What people ask to have accepted at once, checked."""

from datetime import datetime
from math import ceil
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from matcher.catalogue.requests import NEW_WITHIN
from matcher.mappings.acceptance_models import AcceptQuery
from matcher.mappings.requests import with_examples
from shared.contracts.matcher import MappingKind
from shared.limits import record_hit
from shared.limits.people import ACCEPTED_PROPOSALS, PAGE_ROWS
from shared.plain_text import counted
from shared.runtime.clock import utc_now
from shared.web.person import Person
from shared.web.requests import Id, SearchText

_State = Literal["unmapped", "suggested", "new"]
_PER_MILLE_DIGITS = 6
"""Beyond them a float of a decimal number says something by accident."""


def _counted_hit(count: object) -> object:
    if isinstance(count, int) and count > ACCEPTED_PROPOSALS.most:
        record_hit(ACCEPTED_PROPOSALS)
    return count


class AcceptFilter(BaseModel):
    """Of which undecided vendor items the best proposal is accepted; without any of these, of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor_integration_id: Id | None = Field(None, description="Only this vendor's items.")
    search: SearchText = Field("", description="Only items that have these words, as in the lists.")
    state: Annotated[frozenset[_State], Field(max_length=len(get_args(_State)))] = Field(
        frozenset(),
        description="As in the lists. Only undecided items are accepted in any case; `new` alone leaves out"
        " what was first seen before `since`.",
    )
    since: AwareDatetime | None = Field(None, description="From when on an item is new; seven days ago.")
    ids: Annotated[frozenset[Id], Field(max_length=PAGE_ROWS.most), counted(PAGE_ROWS)] = Field(
        frozenset(), description="Only items with one of these ids."
    )

    @property
    def first_seen_since(self) -> datetime | None:
        """From when on an item must have been seen; a list of several states shows what has one of them."""
        return (self.since or utc_now() - NEW_WITHIN) if self.state == {"new"} else None


class AcceptSelection(BaseModel):
    """Which proposals are accepted: the best of each undecided item, where it is likely enough.

    Two customers of one marketplace that share their best company, also with one that is mapped to it
    already, are left out: only a person can say that they are one. Services may share a product.
    """

    model_config = with_examples(
        {
            "kind": "account",
            "filter": {"vendor_integration_id": "int_1190feebee4bd1d7"},
            "min_probability": 0.95,
        }
    )

    kind: MappingKind
    filter: AcceptFilter = AcceptFilter()
    min_probability: float = Field(ge=0, le=1, description="The least probability, 0 to 1.", examples=[0.95])

    def query(self, person: Person) -> AcceptQuery:
        return AcceptQuery(
            tenant_id=person.tenant_id,
            kind=self.kind,
            min_per_mille=ceil(round(self.min_probability * 1_000, _PER_MILLE_DIGITS)),
            vendor_integration_id=self.filter.vendor_integration_id,
            search=self.filter.search.strip(),
            ids=self.filter.ids,
            since=self.filter.first_seen_since,
        )


class AcceptRequest(BaseModel):
    """Accept many proposals, as many as the person saw."""

    model_config = with_examples(
        {"accept": {"kind": "account", "filter": {}, "min_probability": 0.95}, "expected_count": 214}
    )

    accept: AcceptSelection
    expected_count: Annotated[int, BeforeValidator(_counted_hit)] = Field(
        ge=0,
        le=ACCEPTED_PROPOSALS.most,
        description="As `POST /mappings/accept-preview` told it.",
        examples=[214],
    )
