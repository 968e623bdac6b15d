"""HTTP in: the lists of what there is to map, both sides' accounts, vendor services and PSA products."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from matcher.catalogue.items import ItemKind
from matcher.catalogue.requests import AccountRequest, ItemRequest
from matcher.catalogue.responses import (
    AccountsPage,
    ProductsPage,
    PsaAccountResponse,
    PsaProductResponse,
    ServicesPage,
    VendorAccountResponse,
    VendorServiceResponse,
    page_fields,
)
from matcher.catalogue.search import MappedItem, Page
from matcher.catalogue.service import CatalogueService
from shared.contracts.base import Side
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.person import Person

_NO_SUCH_ITEM = problem_responses(_404="No such item to be ranked by")


def make_catalogue_router(catalogue: CatalogueService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("catalogue")

    @router.get("/accounts", responses=_NO_SUCH_ITEM)
    async def list_accounts(
        request: Annotated[AccountRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> AccountsPage:
        """One side's accounts, each with what is mapped to it.

        A customer of the marketplace has at most one `mapping`; a company of the PSA may have many.
        """
        if request.side is Side.VENDOR:
            page = await _page(catalogue, person, ItemKind.VENDOR_ACCOUNTS, request)
            rows = tuple(VendorAccountResponse.of(mapped) for mapped in page.rows)
            return AccountsPage(accounts=rows, **page_fields(page))
        page = await _page(catalogue, person, ItemKind.PSA_ACCOUNTS, request)
        companies = tuple(PsaAccountResponse.of(mapped) for mapped in page.rows)
        return AccountsPage(accounts=companies, **page_fields(page))

    @router.get("/services", responses=_NO_SUCH_ITEM)
    async def list_services(
        request: Annotated[ItemRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> ServicesPage:
        """The marketplace's services, by name, each with the product it is mapped to."""
        page = await _page(catalogue, person, ItemKind.VENDOR_SERVICES, request)
        rows = tuple(VendorServiceResponse.of(mapped) for mapped in page.rows)
        return ServicesPage(services=rows, **page_fields(page))

    @router.get("/products", responses=_NO_SUCH_ITEM)
    async def list_products(
        request: Annotated[ItemRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> ProductsPage:
        """The PSA's products, by name, each with the services mapped to it."""
        page = await _page(catalogue, person, ItemKind.PSA_PRODUCTS, request)
        rows = tuple(PsaProductResponse.of(mapped) for mapped in page.rows)
        return ProductsPage(products=rows, **page_fields(page))

    return router


async def _page(
    catalogue: CatalogueService, person: Person, kind: ItemKind, request: ItemRequest
) -> Page[MappedItem]:
    return await catalogue.items(request.query(person.tenant_id, kind), request.bounds)
