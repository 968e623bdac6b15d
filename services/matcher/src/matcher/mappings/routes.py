"""HTTP in: the list of mappings, and decisions on one vendor item (map, exclude, revoke)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from matcher.catalogue.responses import MappingResponse
from matcher.catalogue.search import next_sort_key
from matcher.catalogue.service import CatalogueService
from matcher.mappings.repository import MongoMappings
from matcher.mappings.requests import ExcludeRequest, MappingRequest, MapRequest
from matcher.mappings.responses import MappingsPage
from matcher.mappings.search import MappingQuery
from matcher.mappings.service import MappingService, PsaItemRef, VendorItemRef
from shared.contracts.matcher import MappingDecided, MappingKind
from shared.web.fair_share import Caller
from shared.web.openapi import described_router, problem_responses
from shared.web.pagination import encode_cursor
from shared.web.person import Person
from shared.web.requests import Id

# `path`: an id of the vendor's may hold a slash.
_VENDOR_ITEM = "/mappings/{kind}/{vendor_integration_id}/{vendor_id:path}"
_UNKNOWN = "No such vendor item, integration or PSA item"


class _VendorItemPath:
    """The vendor item that the path names."""

    def __init__(
        self,
        kind: MappingKind,
        vendor_integration_id: Annotated[Id, Path()],
        vendor_id: Annotated[Id, Path()],
    ) -> None:
        self._kind, self._integration_id, self._id = kind, vendor_integration_id, vendor_id

    def ref(self, person: Person) -> VendorItemRef:
        return VendorItemRef(person.tenant_id, self._kind, self._integration_id, self._id)


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


def make_decision_router(service: MappingService, catalogue: CatalogueService, mapper: Caller) -> APIRouter:
    """`mapper` authenticates the caller, who decides for their own tenant only."""
    router = described_router("mappings")

    async def response(mapping: MappingDecided) -> MappingResponse:
        (named,) = await catalogue.with_names(mapping.tenant_id, [mapping])
        return MappingResponse.of(named)

    @router.put(
        _VENDOR_ITEM,
        responses=problem_responses(
            _404=_UNKNOWN, _409="The PSA is disconnected, or the chosen PSA item inactive or gone"
        ),
    )
    async def decide(
        path: Annotated[_VendorItemPath, Depends()],
        decision: MapRequest | ExcludeRequest,
        person: Annotated[Person, Depends(mapper)],
    ) -> MappingResponse:
        """Map a vendor item to a PSA item, or exclude it with a reason. The same again changes nothing."""
        item = path.ref(person)
        if isinstance(decision, ExcludeRequest):
            return await response(await service.exclude(item, decision.reason, person.person_id))
        chosen = PsaItemRef(decision.psa_integration_id, decision.psa_id)
        return await response(await service.approve(item, chosen, person.person_id))

    @router.delete(
        _VENDOR_ITEM,
        responses=problem_responses(_404="No such vendor item or integration, or nothing decided on it"),
    )
    async def revoke(
        path: Annotated[_VendorItemPath, Depends()], person: Annotated[Person, Depends(mapper)]
    ) -> MappingResponse:
        """Leave a vendor item undecided; it is not mapped by itself again. The same again changes nothing."""
        return await response(await service.revoke(path.ref(person), person.person_id))

    return router
