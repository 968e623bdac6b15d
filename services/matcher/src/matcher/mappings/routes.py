"""Decisions on one vendor item: map, exclude, revoke."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from matcher.catalogue.requests import ExcludeRequest, Id, MapRequest
from matcher.catalogue.responses import MappingResponse, mapping_response
from matcher.catalogue.service import CatalogueService
from matcher.mappings.service import MappingService, PsaItemRef, VendorItemRef
from shared.contracts.matcher import MappingKind
from shared.web.person import Person

# A vendor's ids are its own: one may hold a slash.
_PATH = "/mappings/{kind}/{vendor_integration_id}/{vendor_id:path}"


def deciding_routes(
    deciding: MappingService, browsing: CatalogueService, mapper: Callable[[Request], Awaitable[Person]]
) -> APIRouter:
    """Both answer 200 with the mapping as it stands then, also when that is nothing new."""
    router = APIRouter()

    @router.put(_PATH)
    async def decide(
        subject: Annotated[_Named, Depends()],
        choice: MapRequest | ExcludeRequest,
        person: Annotated[Person, Depends(mapper)],
    ) -> MappingResponse:
        item = subject.of(person)
        if isinstance(choice, ExcludeRequest):
            mapping = await deciding.exclude(item, choice.reason, person.person_id)
        else:
            chosen = PsaItemRef(choice.psa_integration_id, choice.psa_id)
            mapping = await deciding.approve(item, chosen, person.person_id)
        return mapping_response(await browsing.link(mapping))

    @router.delete(_PATH)
    async def revoke(
        subject: Annotated[_Named, Depends()], person: Annotated[Person, Depends(mapper)]
    ) -> MappingResponse:
        mapping = await deciding.revoke(subject.of(person), person.person_id)
        return mapping_response(await browsing.link(mapping))

    return router


class _Named:
    """The vendor item that the path names."""

    def __init__(
        self,
        kind: MappingKind,
        vendor_integration_id: Annotated[Id, Path()],
        vendor_id: Annotated[Id, Path()],
    ) -> None:
        self._kind, self._integration_id, self._id = kind, vendor_integration_id, vendor_id

    def of(self, person: Person) -> VendorItemRef:
        return VendorItemRef(person.tenant_id, self._kind, self._integration_id, self._id)
