"""How items, and the mappings they have, are shown to people."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

from matcher.catalogue.likeness import Likeness
from matcher.catalogue.search import MappedItem, MappingState, NamedMapping, NamedProposal, Page
from matcher.uncompared_usage.models import UsageSum
from shared.contracts.base import Side
from shared.contracts.fields import plain
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod, ProposalReason
from shared.web.pagination import encode_cursor

Amount = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]
"""An exact number, without exponent or trailing zeros."""

_SHOWN = ("id", "integration_id", "name", "usable", "first_seen_at")


class MappingResponse(BaseModel):
    """A decision on a vendor item, with the present names of its ends."""

    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str
    vendor_name: str | None
    psa_integration_id: str | None
    psa_id: str | None
    psa_name: str | None
    decision: MappingDecision
    method: MappingMethod
    decided_by: str
    reason: str | None
    rules: MappingRules | None = None
    """How a mapped service's quantity is made; none where the sum of what was bought is billed."""
    decided_at: AwareDatetime
    revision: int

    @classmethod
    def of(cls, named: NamedMapping) -> Self:
        fields = named.mapping.model_dump(include=set(cls.model_fields))
        return cls(**fields, vendor_name=named.vendor_name, psa_name=named.psa_name)


class BestProposalResponse(BaseModel):
    """What a vendor item is likeliest to be; `GET /proposals/…` has the others."""

    psa_integration_id: str
    psa_id: str
    psa_name: str | None
    probability_per_mille: int
    margin_per_mille: int
    """The probability less that of the runner-up."""
    reasons: tuple[ProposalReason, ...]

    @classmethod
    def of(cls, named: NamedProposal) -> Self:
        return cls(**dict(named.proposed), psa_name=named.psa_name)


UNCOMPARED_EXAMPLE: dict[str, Any] = {
    "lines": 3,
    "seats": "17",
    "money": {"USD": "310.5"},
    "without_estimate": 1,
}
"""What is not compared as it is answered, for the description of the API."""


class UncomparedUsageResponse(BaseModel):
    """What is used and not compared, because a mapping is missing."""

    model_config = ConfigDict(json_schema_extra={"examples": [UNCOMPARED_EXAMPLE]})

    lines: int = Field(description="Of an account and a service each.", examples=[3])
    seats: Amount = Field(description="As far as the vendor's counts are known.", examples=["17"])
    money: dict[str, Amount] = Field(
        description="Estimated per billing period, by currency: currencies are never added.",
        examples=[{"USD": "310.5"}],
    )
    without_estimate: int = Field(description="Lines that are in no amount.", examples=[1])

    @classmethod
    def of(cls, total: UsageSum) -> Self:
        return cls.model_validate(total, from_attributes=True)


class LikenessResponse(BaseModel):
    """How much an item looks like the one that the list is ranked by."""

    score_per_mille: int = Field(examples=[962])
    proposed: bool
    """Whether the score is the probability of a proposal; else it only compares words and letters."""

    @classmethod
    def of(cls, likeness: Likeness) -> Self:
        return cls(score_per_mille=likeness.score_per_mille, proposed=likeness.is_proposed)


class ItemResponse(BaseModel):
    """What every kind of item shows."""

    id: str
    integration_id: str
    name: str
    usable: bool
    """False for an item that is cancelled or inactive: the exact rule never maps it."""
    state: MappingState
    first_seen_at: AwareDatetime | None
    """When it was first observed; none where that was before this was noted."""
    likeness: LikenessResponse | None = None
    """Only with `like`."""

    @classmethod
    def of(cls, mapped: MappedItem) -> Self:
        """Raises `ValidationError` when the item is of another kind than the model shows."""
        item = mapped.item
        mappings = tuple(MappingResponse.of(named) for named in mapped.mappings)
        # A vendor item has at most one mapping; a PSA item may have many vendor items mapped to it.
        proposal = BestProposalResponse.of(mapped.proposal) if mapped.proposal else None
        billable = UncomparedUsageResponse.of(mapped.uncompared) if mapped.uncompared else None
        likeness = LikenessResponse.of(mapped.likeness) if mapped.likeness else None
        shown = (
            {"mapping": mappings[0] if mappings else None, "proposal": proposal, "billable": billable}
            if item.kind.side is Side.VENDOR
            else {"mapped_from": mappings}
        )
        fields = {name: getattr(item, name) for name in _SHOWN} | {"likeness": likeness}
        evidence = asdict(item.evidence) if item.evidence else {}
        # Facts last: they are in the words of the answer, where both tell the same.
        return cls.model_validate({**fields, "state": mapped.state, **evidence, **item.facts, **shown})


class VendorAccountResponse(ItemResponse):
    """A customer in the marketplace, with the mapping that was decided for it."""

    external_id: str | None
    status: str
    tax_id: str | None = None
    domains: tuple[str, ...] = ()
    """Of its contacts' e-mail addresses, without public mail hosts."""
    town: str | None = None
    postcode: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    mapping: MappingResponse | None
    proposal: BestProposalResponse | None = None
    """Only with `with=proposal`."""
    billable: UncomparedUsageResponse | None = None
    """What it uses that is not compared; none where there is nothing of that."""


class VendorServiceResponse(ItemResponse):
    """A service that the marketplace sells, with the mapping that was decided for it."""

    service_key: str
    title: str
    vendor: str | None
    mpn: str | None
    term: str
    billing_period: str
    family: str | None = None
    plan: str | None = None
    edition: str | None = None
    mapping: MappingResponse | None
    proposal: BestProposalResponse | None = None
    """Only with `with=proposal`."""
    billable: UncomparedUsageResponse | None = None
    """What it uses that is not compared; none where there is nothing of that."""


class PsaAccountResponse(ItemResponse):
    """A company in the PSA, with the vendor accounts mapped to it."""

    account_key: str
    tax_id: str | None = None
    domains: tuple[str, ...] = ()
    """Of its website."""
    town: str | None = None
    postcode: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    status: str | None = None
    types: tuple[str, ...] = ()
    mapped_from: tuple[MappingResponse, ...]


class PsaProductResponse(ItemResponse):
    """A catalogue item of the PSA, with the vendor services mapped to it; its key is the *Product ID*."""

    product_key: str
    description: str | None = None
    """What the customer is told of it, where that is more than its name."""
    manufacturer_part_number: str | None = None
    vendor: str | None = None
    category: str | None = None
    product_class: str | None = None
    mapped_from: tuple[MappingResponse, ...]


NextCursor = Annotated[str | None, Field(description="`after` of the following page; none on the last.")]
PreviousCursor = Annotated[str | None, Field(description="`before` of the page before; none on the first.")]
Total = Annotated[
    int | None,
    Field(
        description="Rows of all pages; none where counting them would take too long: every word of a search"
        " is one that more than 1,500 items have, or `new` is asked for beside a state.",
        examples=[195],
    ),
]


class AccountsPage(BaseModel):
    """A page of one side's accounts."""

    accounts: tuple[VendorAccountResponse | PsaAccountResponse, ...]
    next: NextCursor
    previous: PreviousCursor
    total: Total


class ServicesPage(BaseModel):
    """A page of vendor services."""

    services: tuple[VendorServiceResponse, ...]
    next: NextCursor
    previous: PreviousCursor
    total: Total


class ProductsPage(BaseModel):
    """A page of PSA products."""

    products: tuple[PsaProductResponse, ...]
    next: NextCursor
    previous: PreviousCursor
    total: Total


def page_fields(page: Page[MappedItem]) -> dict[str, Any]:
    """Returns what every page says beside its rows."""
    return {
        "next": encode_cursor(*page.next) if page.next else None,
        "previous": encode_cursor(*page.previous) if page.previous else None,
        "total": page.total,
    }
