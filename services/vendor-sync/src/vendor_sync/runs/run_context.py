"""Reading the marketplace with a stamp that was taken before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from shared.sync_engine.models import IntegrationState, Run, provider_trouble
from shared.sync_engine.run_worker import RunContext
from vendor_sync.marketplace import ListPage
from vendor_sync.runs.observations import Stamp
from vendor_sync.runs.ports import Clock, DetailQueue, Marketplace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VendorRunContext:
    """What the parts of a run share."""

    walk: RunContext
    marketplace: Marketplace
    todo: DetailQueue
    clock: Clock

    @property
    def run(self) -> Run:
        return self.walk.run

    @property
    def known(self) -> IntegrationState:
        return self.walk.claimed.known

    async def stamp(self) -> Stamp:
        """Taken before the read: news that is older than what is known can then be told."""
        return Stamp(
            tenant_id=self.run.tenant_id,
            integration_id=self.run.integration_id,
            run_id=self.run.run_id,
            generation=self.run.generation,
            revision=await self.walk.observer.revision(),
            observed_at=self.clock(),
        )

    async def pages(self, pages: AsyncIterator[ListPage[T]]) -> AsyncIterator[tuple[Stamp, ListPage[T]]]:
        """Each page with a stamp of its own."""
        while True:
            stamp = await self.stamp()
            with provider_trouble():
                page = await anext(pages, None)
            if page is None:
                return
            yield stamp, page

    def check(self) -> None:
        """Before storing: a worker whose time is over must not undo what its successor stored."""
        self.walk.claimed.lease.check()
