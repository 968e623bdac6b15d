"""What people ask of mappings, and decide on them, checked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.convertors import Convertor, register_url_convertor

from matcher.catalogue.items import VendorItemRef
from matcher.catalogue.requests import DEFAULT_LIMIT
from matcher.mappings.models import (
    NO_RULES,
    Choice,
    Exclude,
    ItemDecision,
    MapTo,
    PsaItemRef,
    Revoke,
    SettingsChange,
)
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod, NameEquality
from shared.limits.people import MAPPING_DECISIONS, REASON_CHARACTERS
from shared.plain_text import PlainText, counted
from shared.web.mapping_rules_request import MappingRulesRequest
from shared.web.pagination import PageLimit, PageRequest, RevisionCursor
from shared.web.person import Person
from shared.web.requests import Id, OptionalIdempotencyKey, OptionalIfMatch, SeenRevision

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


def with_examples(*examples: Any) -> ConfigDict:
    return ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [*examples]})


class MapRequest(BaseModel):
    """Map the vendor item to this PSA item."""

    model_config = with_examples(
        {"psa_integration_id": "int_c8f8e50eee5be8dd", "psa_id": "19297", "method": "proposal"},
        {
            "psa_integration_id": "int_c8f8e50eee5be8dd",
            "psa_id": "41",
            "rules": {"quantity": {"included_units": "5", "multiple": "10", "rounding": "up"}},
        },
    )

    psa_integration_id: Id
    psa_id: Id
    method: Literal["manual", "proposal"] = Field(
        "manual", description="`proposal` when the person accepted what matcher had proposed."
    )

    rules: MappingRulesRequest | None = Field(
        None,
        description="Of a service, how its quantity is made; left out, the rules of the mapping that stands"
        " are kept, and null ends them.",
    )

    def choice(self) -> Choice:
        rules = self.rules.rules() if self.rules else NO_RULES if "rules" in self.model_fields_set else None
        target = PsaItemRef(self.psa_integration_id, self.psa_id)
        return MapTo(target, MappingMethod(self.method), rules)


class ExcludeRequest(BaseModel):
    """Leave the vendor item out, and say why."""

    model_config = with_examples({"excluded": True, "reason": "our own tenant"})

    excluded: Literal[True]
    reason: Reason

    def choice(self) -> Choice:
        return Exclude(self.reason)


class RevokeRequest(BaseModel):
    """Leave the vendor item undecided; it is not mapped by itself until that is undone."""

    model_config = with_examples({"revoked": True})

    revoked: Literal[True]

    def choice(self) -> Choice:
        return Revoke()


class UndoRequest(BaseModel):
    """Take this decision back."""

    model_config = with_examples({"revision": 1796026530000000})

    revision: SeenRevision = Field(description="Of the decision that stands, as it was shown.")


class MatchingSettingsRequest(BaseModel):
    """How items are to be mapped by themselves."""

    model_config = with_examples({"name_equality": "normalised"})

    name_equality: NameEquality = Field(
        description="`normalised` overlooks case, accents, spaces, punctuation and a firm's legal form."
    )

    def change_by(self, person: Person, seen_revision: int | None) -> SettingsChange:
        return SettingsChange(person.tenant_id, self.name_equality, person.person_id, seen_revision)


class ItemDecisionRequest(BaseModel):
    """A decision on one vendor item of many."""

    model_config = with_examples(
        {
            "kind": "account",
            "vendor_integration_id": "int_1190feebee4bd1d7",
            "vendor_id": "1000027",
            "revision": 0,
            "decision": {"psa_integration_id": "int_c8f8e50eee5be8dd", "psa_id": "19297"},
        }
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
