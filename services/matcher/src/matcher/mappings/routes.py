"""HTTP in: the list of mappings, and the history of one."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from matcher.catalogue.requests import VendorItemPath
from matcher.catalogue.responses import MappingResponse
from matcher.catalogue.search import next_sort_key
from matcher.catalogue.service import CatalogueService
from matcher.mappings.repository import MongoMappings
from matcher.mappings.requests import ITEM_ACTION_PATH, HistoryRequest, MappingRequest
from matcher.mappings.responses import HistoryPage, MappingsPage, MappingVersionResponse
from matcher.mappings.search import MappingQuery
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person


def make_mapping_list_router(
    mappings: MongoMappings, catalogue: CatalogueService, viewer: Caller
) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings")

    @router.get("/mappings")
    async def list_mappings(
        request: Annotated[MappingRequest, Query()], person: Annotated[Person, Depends(viewer)]
    ) -> MappingsPage:
        """Every decision on a vendor item, revoked ones included, with the present names of both ends."""
        query = MappingQuery(person.tenant_id, request.kind, request.decision, request.vendor_integration_id)
        found = await mappings.page(query, request.after, request.limit + 1)
        last = next_sort_key(found, request.limit, lambda mapping: (mapping.key,))
        named = await catalogue.with_names(person.tenant_id, found[: request.limit])
        return MappingsPage(
            mappings=tuple(MappingResponse.of(mapping) for mapping in named),
            next=encode_cursor(*last) if last else None,
        )

    return router


def make_history_router(mappings: MongoMappings, catalogue: CatalogueService, viewer: Caller) -> APIRouter:
    """`viewer` authenticates the caller, who sees their own tenant only."""
    router = described_router("mappings")

    @router.get(
        ITEM_ACTION_PATH + "/history",
        responses=problem_responses(_404="Nothing was ever decided on such an item"),
    )
    async def list_history(
        path: Annotated[VendorItemPath, Depends()],
        request: Annotated[HistoryRequest, Query()],
        person: Annotated[Person, Depends(viewer)],
    ) -> HistoryPage:
        """Every decision on a vendor item, newest first: who, when, why, how, and what it replaced.

        Of decisions from before the history was kept only the last one is there.
        """
        found = await mappings.versions(path.ref(person), request.after, request.limit + 1)
        last = next_sort_key(found, request.limit, lambda mapping: (str(mapping.revision),))
        named = await catalogue.with_names(person.tenant_id, found[: request.limit])
        return HistoryPage(
            decisions=tuple(MappingVersionResponse.of(mapping) for mapping in named),
            next=encode_cursor(*last) if last else None,
        )

    return router
