"""What people are shown."""

from typing import Any

from pydantic import AwareDatetime, BaseModel

from matcher.catalogue.search import MappedItem, MappingState, NamedMapping, Page
from shared.contracts.base import Side
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod


class MappingResponse(BaseModel):
    """A decision, with the names its ends have now."""

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


class ItemResponse(BaseModel):
    """What all items show."""

    id: str
    integration_id: str
    name: str
    usable: bool
    """False for what is cancelled or inactive: it is never mapped by itself."""
    state: MappingState


class VendorAccountResponse(ItemResponse):
    """A customer in the marketplace."""

    external_id: str | None
    status: str
    mapping: MappingResponse | None


class VendorServiceResponse(ItemResponse):
    """What the marketplace sells."""

    service_key: str
    title: str
    vendor: str | None
    mpn: str | None
    term: str
    billing_period: str
    mapping: MappingResponse | None


class PsaAccountResponse(ItemResponse):
    """A company in the PSA, with the vendor accounts mapped to it."""

    account_key: str
    mapped_from: tuple[MappingResponse, ...]


class PsaProductResponse(ItemResponse):
    """A catalogue item, with the vendor services mapped to it; its key is the *Product ID*."""

    product_key: str
    mapped_from: tuple[MappingResponse, ...]


class AccountsPage(BaseModel):
    """A page of one side's accounts; `next` is the `after` of the page behind it."""

    accounts: tuple[VendorAccountResponse | PsaAccountResponse, ...]
    next: str | None


class ServicesPage(BaseModel):
    """A page of vendor services."""

    services: tuple[VendorServiceResponse, ...]
    next: str | None


class ProductsPage(BaseModel):
    """A page of PSA products."""

    products: tuple[PsaProductResponse, ...]
    next: str | None


class MappingsPage(BaseModel):
    """A page of decisions."""

    mappings: tuple[MappingResponse, ...]
    next: str | None


class FinishResponse(BaseModel):
    """The sync that finishing starts has this id."""

    finish_id: str
    counts: dict[str, int]


def vendor_accounts(page: Page[MappedItem]) -> AccountsPage:
    return AccountsPage(
        accounts=tuple(VendorAccountResponse(**_fields(row)) for row in page.rows), next=page.next
    )


def psa_accounts(page: Page[MappedItem]) -> AccountsPage:
    return AccountsPage(
        accounts=tuple(PsaAccountResponse(**_fields(row)) for row in page.rows), next=page.next
    )


def services(page: Page[MappedItem]) -> ServicesPage:
    return ServicesPage(
        services=tuple(VendorServiceResponse(**_fields(row)) for row in page.rows), next=page.next
    )


def products(page: Page[MappedItem]) -> ProductsPage:
    return ProductsPage(
        products=tuple(PsaProductResponse(**_fields(row)) for row in page.rows), next=page.next
    )


def mappings(page: Page[NamedMapping]) -> MappingsPage:
    return MappingsPage(mappings=tuple(mapping_response(link) for link in page.rows), next=page.next)


def mapping_response(link: NamedMapping) -> MappingResponse:
    told = link.mapping.model_dump(include=set(MappingResponse.model_fields))
    return MappingResponse(**told, vendor_name=link.vendor_name, psa_name=link.psa_name)


def _fields(row: MappedItem) -> dict[str, Any]:
    item = row.item
    links = tuple(mapping_response(link) for link in row.links)
    decided = {"mapping": links[0] if links else None}
    return {
        "id": item.id,
        "integration_id": item.integration_id,
        "name": item.name,
        "usable": item.usable,
        "state": row.standing,
        **item.facts,
        **(decided if item.shelf.side is Side.VENDOR else {"mapped_from": links}),
    }
