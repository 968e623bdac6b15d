"""How items, and the mappings they have, are shown to people."""

from dataclasses import asdict
from typing import Self

from pydantic import AwareDatetime, BaseModel

from matcher.catalogue.search import MappedItem, MappingState, NamedMapping, Page
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod
from shared.web.pagination import encode_cursor


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
    decided_at: AwareDatetime
    revision: int

    @classmethod
    def of(cls, named: NamedMapping) -> Self:
        fields = named.mapping.model_dump(include=set(cls.model_fields))
        return cls(**fields, vendor_name=named.vendor_name, psa_name=named.psa_name)


class ItemResponse(BaseModel):
    """What every kind of item shows."""

    id: str
    integration_id: str
    name: str
    usable: bool
    """False for an item that is cancelled or inactive: the exact rule never maps it."""
    state: MappingState

    @classmethod
    def of(cls, mapped: MappedItem) -> Self:
        """Raises `ValidationError` when the item is of another kind than the model shows."""
        item = mapped.item
        mappings = tuple(MappingResponse.of(named) for named in mapped.mappings)
        # A vendor item has at most one mapping; a PSA item may have many vendor items mapped to it.
        shown = (
            {"mapping": mappings[0] if mappings else None}
            if item.kind.side is Side.VENDOR
            else {"mapped_from": mappings}
        )
        fields = {name: getattr(item, name) for name in ("id", "integration_id", "name", "usable")}
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


class AccountsPage(BaseModel):
    """A page of one side's accounts, by name; `next` is the `after` of the following page."""

    accounts: tuple[VendorAccountResponse | PsaAccountResponse, ...]
    next: str | None


class ServicesPage(BaseModel):
    """A page of vendor services, by name."""

    services: tuple[VendorServiceResponse, ...]
    next: str | None


class ProductsPage(BaseModel):
    """A page of PSA products, by name."""

    products: tuple[PsaProductResponse, ...]
    next: str | None


def next_cursor(page: Page[MappedItem]) -> str | None:
    """Returns the cursor of the following page; None when there is none."""
    return encode_cursor(*page.next) if page.next else None
