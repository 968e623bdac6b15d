"""What people are shown."""

from typing import Any

from pydantic import AwareDatetime, BaseModel

from matcher.models.browsing import Link, Page, Row, Standing
from shared.contracts.base import Side
from shared.contracts.matcher import Decision, MappingKind, Method


class MappingView(BaseModel):
    """A decision, with the names its ends have now."""

    kind: MappingKind
    vendor_integration_id: str
    vendor_id: str
    vendor_name: str | None
    psa_integration_id: str | None
    psa_id: str | None
    psa_name: str | None
    decision: Decision
    method: Method
    decided_by: str
    reason: str | None
    decided_at: AwareDatetime
    revision: int


class ItemView(BaseModel):
    """What all items show."""

    id: str
    integration_id: str
    name: str
    usable: bool
    """False for what is cancelled or inactive: it is never mapped by itself."""
    state: Standing


class VendorAccount(ItemView):
    """A customer in the marketplace."""

    external_id: str | None
    status: str
    mapping: MappingView | None


class VendorService(ItemView):
    """What the marketplace sells."""

    service_key: str
    title: str
    vendor: str | None
    mpn: str | None
    term: str
    billing_period: str
    mapping: MappingView | None


class PsaAccount(ItemView):
    """A company in the PSA, with the vendor accounts mapped to it."""

    account_key: str
    mapped_from: tuple[MappingView, ...]


class PsaProduct(ItemView):
    """A catalogue item, with the vendor services mapped to it; its key is the *Product ID*."""

    product_key: str
    mapped_from: tuple[MappingView, ...]


class Accounts(BaseModel):
    """A page of one side's accounts; `next` is the `after` of the page behind it."""

    accounts: tuple[VendorAccount | PsaAccount, ...]
    next: str | None


class Services(BaseModel):
    """A page of vendor services."""

    services: tuple[VendorService, ...]
    next: str | None


class Products(BaseModel):
    """A page of PSA products."""

    products: tuple[PsaProduct, ...]
    next: str | None


class Mappings(BaseModel):
    """A page of decisions."""

    mappings: tuple[MappingView, ...]
    next: str | None


class Finished(BaseModel):
    """The sync that finishing starts has this id."""

    finish_id: str
    counts: dict[str, int]


def vendor_accounts(page: Page[Row]) -> Accounts:
    return Accounts(accounts=tuple(VendorAccount(**_fields(row)) for row in page.rows), next=page.next)


def psa_accounts(page: Page[Row]) -> Accounts:
    return Accounts(accounts=tuple(PsaAccount(**_fields(row)) for row in page.rows), next=page.next)


def services(page: Page[Row]) -> Services:
    return Services(services=tuple(VendorService(**_fields(row)) for row in page.rows), next=page.next)


def products(page: Page[Row]) -> Products:
    return Products(products=tuple(PsaProduct(**_fields(row)) for row in page.rows), next=page.next)


def mappings(page: Page[Link]) -> Mappings:
    return Mappings(mappings=tuple(mapping_view(link) for link in page.rows), next=page.next)


def mapping_view(link: Link) -> MappingView:
    told = link.mapping.model_dump(include=set(MappingView.model_fields))
    return MappingView(**told, vendor_name=link.vendor_name, psa_name=link.psa_name)


def _fields(row: Row) -> dict[str, Any]:
    item = row.item
    links = tuple(mapping_view(link) for link in row.links)
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
