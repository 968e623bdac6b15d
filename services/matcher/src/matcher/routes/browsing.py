"""Lists: both sides' accounts, vendor services, PSA products, and what is mapped."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from matcher.models.browsing import Page, Row, Wanted, WantedMappings
from matcher.models.items import Shelf
from matcher.routes import views
from matcher.routes.questions import AccountQuestion, ItemQuestion, MappingQuestion
from matcher.service.browsing import Browsing
from shared.contracts.base import Side
from shared.people import Person

Caller = Callable[[Request], Awaitable[Person]]


def browsing_routes(browsing: Browsing, viewer: Caller) -> APIRouter:
    """Each answers one page, and where the next one starts."""
    router = APIRouter()

    @router.get("/accounts")
    async def accounts(
        asked: Annotated[AccountQuestion, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> views.Accounts:
        if asked.side is Side.VENDOR:
            return views.vendor_accounts(await _items(browsing, person, Shelf.VENDOR_ACCOUNTS, asked))
        return views.psa_accounts(await _items(browsing, person, Shelf.PSA_ACCOUNTS, asked))

    @router.get("/services")
    async def services(
        asked: Annotated[ItemQuestion, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> views.Services:
        return views.services(await _items(browsing, person, Shelf.VENDOR_SERVICES, asked))

    @router.get("/products")
    async def products(
        asked: Annotated[ItemQuestion, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> views.Products:
        return views.products(await _items(browsing, person, Shelf.PSA_PRODUCTS, asked))

    @router.get("/mappings")
    async def mappings(
        asked: Annotated[MappingQuestion, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> views.Mappings:
        wanted = WantedMappings(person.tenant_id, asked.kind, asked.decision, asked.vendor_integration_id)
        return views.mappings(await browsing.mappings(wanted, asked.after, asked.limit))

    return router


async def _items(browsing: Browsing, person: Person, shelf: Shelf, asked: ItemQuestion) -> Page[Row]:
    wanted = Wanted(person.tenant_id, shelf, asked.search, asked.integration_id, asked.state)
    return await browsing.items(wanted, asked.after, asked.limit)
