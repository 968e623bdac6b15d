"""What people ask of mappings, and decide on them, checked."""

from datetime import datetime
from decimal import Decimal
from math import ceil
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.convertors import Convertor, register_url_convertor

from matcher.catalogue.items import VendorItemRef
from matcher.catalogue.requests import DEFAULT_LIMIT, NEW_WITHIN
from matcher.mappings.models import (
    AcceptQuery,
    Choice,
    Exclude,
    ItemDecision,
    MapTo,
    PsaItemRef,
    Revoke,
)
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod
from shared.limits.people import ACCEPTED_PROPOSALS, MAPPING_DECISIONS, PAGE_ROWS, REASON_CHARACTERS
from shared.plain_text import PlainText, counted
from shared.runtime.clock import utc_now
from shared.web.pagination import PageLimit, PageRequest, RevisionCursor
from shared.web.person import Person
from shared.web.requests import Id, OptionalIdempotencyKey, OptionalIfMatch, SearchText, SeenRevision

Reason = Annotated[
    PlainText,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=REASON_CHARACTERS.most),
    counted(REASON_CHARACTERS),
]


class MappingRequest(PageRequest):
    """Which mappings."""

    limit: PageLimit = Field(DEFAULT_LIMIT, description="How many at most.")
    kind: MappingKind | None = Field(None, description="Only mappings of accounts, or of services.")
    decision: MappingDecision | None = Field(None, description="Only mappings with this decision.")
    vendor_integration_id: Id | None = Field(None, description="Only mappings of this vendor's items.")


class _ItemIdConvertor(Convertor[str]):
    """An id of the vendor's in a path: it may hold a slash, and does not end like what is done to an item."""

    regex = r"(?!.*/(?:undo|history)$).*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("item_id", _ItemIdConvertor())

ITEM_PATH = "/mappings/{kind}/{vendor_integration_id}/{vendor_id:item_id}"
"""Of a vendor item itself; one whose id ends in `/undo` is decided on as one of many."""
ITEM_ACTION_PATH = "/mappings/{kind}/{vendor_integration_id}/{vendor_id:path}"
"""What is asked or done about a vendor item goes behind it."""


class HistoryRequest(BaseModel):
    """Which decisions on one vendor item."""

    # Not a `PageRequest`: decisions are sorted by revision, and so is a cursor here.
    model_config = ConfigDict(frozen=True, extra="forbid")

    after: RevisionCursor | None = Field(None, description="`next` of the page before; none for the first.")
    limit: PageLimit = Field(DEFAULT_LIMIT, description="How many at most.")


class DecisionHeaders:
    """What a decision rests on, and the key under which it is made once."""

    def __init__(
        self, if_match: OptionalIfMatch = None, idempotency_key: OptionalIdempotencyKey = None
    ) -> None:
        self.seen, self.idempotency_key = if_match, idempotency_key


def _with_example(**example: Any) -> ConfigDict:
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [example]})


class MapRequest(BaseModel):
    """Map the vendor item to this PSA item."""

    model_config = _with_example(psa_integration_id="int_c8f8e50eee5be8dd", psa_id="19297", method="proposal")

    psa_integration_id: Id
    psa_id: Id
    method: Literal["manual", "proposal"] = Field(
        "manual", description="`proposal` when the person accepted what matcher had proposed."
    )

    def choice(self) -> Choice:
        return MapTo(PsaItemRef(self.psa_integration_id, self.psa_id), MappingMethod(self.method))


class ExcludeRequest(BaseModel):
    """Leave the vendor item out, and say why."""

    model_config = _with_example(excluded=True, reason="our own tenant")

    excluded: Literal[True]
    reason: Reason

    def choice(self) -> Choice:
        return Exclude(self.reason)


class RevokeRequest(BaseModel):
    """Leave the vendor item undecided; it is not mapped by itself until that is undone."""

    model_config = _with_example(revoked=True)

    revoked: Literal[True]

    def choice(self) -> Choice:
        return Revoke()


class UndoRequest(BaseModel):
    """Take this decision back."""

    model_config = _with_example(revision=1796026530000000)

    revision: SeenRevision = Field(description="Of the decision that stands, as it was shown.")


class ItemDecisionRequest(BaseModel):
    """A decision on one vendor item of many."""

    model_config = _with_example(
        kind="account",
        vendor_integration_id="int_1190feebee4bd1d7",
        vendor_id="1000027",
        revision=0,
        decision={"psa_integration_id": "int_c8f8e50eee5be8dd", "psa_id": "19297"},
    )

    kind: MappingKind
    vendor_integration_id: Id
    vendor_id: Id
    revision: SeenRevision | None = Field(
        None, description="The revision that the person saw, 0 for none; left out, the last one wins."
    )
    decision: MapRequest | ExcludeRequest | RevokeRequest

    def by(self, person: Person) -> ItemDecision:
        item = VendorItemRef(person.tenant_id, self.kind, self.vendor_integration_id, self.vendor_id)
        return ItemDecision(item, self.decision.choice(), person.person_id, self.revision)


class ManyDecisionsRequest(BaseModel):
    """Decisions on many vendor items, each made or refused for itself, in this order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: Annotated[
        tuple[ItemDecisionRequest, ...],
        Field(min_length=1, max_length=MAPPING_DECISIONS.most),
        counted(MAPPING_DECISIONS),
    ]


class AcceptFilter(BaseModel):
    """Of which undecided vendor items the best proposal is accepted; without any of these, of all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vendor_integration_id: Id | None = Field(None, description="Only this vendor's items.")
    search: SearchText = Field("", description="Only items that have these words, as in the lists.")
    state: Annotated[frozenset[Literal["unmapped", "suggested", "new"]], Field(max_length=3)] = Field(
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

    model_config = _with_example(
        kind="account", filter={"vendor_integration_id": "int_1190feebee4bd1d7"}, min_probability=0.95
    )

    kind: MappingKind
    filter: AcceptFilter = AcceptFilter()
    min_probability: Decimal = Field(
        ge=0, le=1, description="The least probability, 0 to 1.", examples=[0.95]
    )

    def query(self, person: Person) -> AcceptQuery:
        return AcceptQuery(
            tenant_id=person.tenant_id,
            kind=self.kind,
            min_per_mille=ceil(self.min_probability * 1_000),
            vendor_integration_id=self.filter.vendor_integration_id,
            search=self.filter.search.strip(),
            ids=self.filter.ids,
            since=self.filter.first_seen_since,
        )


class AcceptRequest(BaseModel):
    """Accept many proposals, as many as the person saw."""

    model_config = _with_example(
        accept={"kind": "account", "filter": {}, "min_probability": 0.95}, expected_count=214
    )

    accept: AcceptSelection
    expected_count: int = Field(
        ge=0,
        le=ACCEPTED_PROPOSALS.most,
        description="As `POST /mappings/accept-preview` told it.",
        examples=[214],
    )
