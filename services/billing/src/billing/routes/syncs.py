"""Asking for fresh numbers."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from billing.routes.asked import SyncWanted
from billing.routes.described import a_router, refusing
from billing.service.syncing import Syncing
from shared.people import Person, Role, Verifier, allowed


class SyncStarted(BaseModel):
    """The sync, whose runs and completion carry its id."""

    sync_id: str
    integration_ids: tuple[str, ...]


def make_router(verifier: Verifier, syncing: Syncing) -> APIRouter:
    """`POST /syncs`."""
    router = a_router("syncs")
    mapper = allowed(verifier, Role.MAPPER)

    @router.post("/syncs", status_code=202, responses=refusing(_409="No integration is active"))
    async def sync(wanted: SyncWanted, person: Annotated[Person, Depends(mapper)]) -> SyncStarted:
        """Sync every active integration; where a full run is going on, the request joins it."""
        started = await syncing.request(person.tenant_id, person.person_id, wanted.kind)
        return SyncStarted(sync_id=started.sync_id, integration_ids=started.integration_ids)

    return router
