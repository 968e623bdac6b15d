"""Lists: both sides' accounts, vendor services, PSA products, and what is mapped."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from matcher.catalogue import responses
from matcher.catalogue.items import ItemKind
from matcher.catalogue.requests import AccountRequest, ItemRequest, MappingRequest
from matcher.catalogue.search import ItemQuery, MappedItem, MappingQuery, Page
from matcher.catalogue.service import CatalogueService
from shared.contracts.base import Side
from shared.web.person import Person

Caller = Callable[[Request], Awaitable[Person]]


def browsing_routes(browsing: CatalogueService, viewer: Caller) -> APIRouter:
    """Each answers one page, and where the next one starts."""
    router = APIRouter()

    @router.get("/accounts")
    async def accounts(
        asked: Annotated[AccountRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> responses.AccountsPage:
        if asked.side is Side.VENDOR:
            return responses.vendor_accounts(await _items(browsing, person, ItemKind.VENDOR_ACCOUNTS, asked))
        return responses.psa_accounts(await _items(browsing, person, ItemKind.PSA_ACCOUNTS, asked))

    @router.get("/services")
    async def services(
        asked: Annotated[ItemRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> responses.ServicesPage:
        return responses.services(await _items(browsing, person, ItemKind.VENDOR_SERVICES, asked))

    @router.get("/products")
    async def products(
        asked: Annotated[ItemRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> responses.ProductsPage:
        return responses.products(await _items(browsing, person, ItemKind.PSA_PRODUCTS, asked))

    @router.get("/mappings")
    async def mappings(
        asked: Annotated[MappingRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> responses.MappingsPage:
        wanted = MappingQuery(person.tenant_id, asked.kind, asked.decision, asked.vendor_integration_id)
        return responses.mappings(await browsing.mappings(wanted, asked.after, asked.limit))

    return router


async def _items(
    browsing: CatalogueService, person: Person, shelf: ItemKind, asked: ItemRequest
) -> Page[MappedItem]:
    wanted = ItemQuery(person.tenant_id, shelf, asked.search, asked.integration_id, asked.state)
    return await browsing.items(wanted, asked.after, asked.limit)
