"""What the steps of a marketplace run share."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

from shared.contracts.vendor_sync import ServiceObserved
from shared.sync_engine.models import Run, translate_provider_errors
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import ListPage
from vendor_sync.runs.ports import DetailQueue, Marketplace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VendorRunContext:
    """Joins the run's own context with an open marketplace and the queue of details."""

    context: RunContext
    marketplace: Marketplace
    queue: DetailQueue

    @property
    def run(self) -> Run:
        return self.context.run

    async def stamped_pages(
        self, pages: AsyncIterator[ListPage[T]]
    ) -> AsyncIterator[tuple[Stamp, ListPage[T]]]:
        """Yields each page with a stamp that was taken before the page was read."""
        while True:
            stamp = await self.context.stamp()
            with translate_provider_errors():
                page = await anext(pages, None)
            if page is None:
                return
            yield stamp, page

    async def published_service_names(self) -> dict[str, str]:
        """Returns the name under which each service is known, by its service key."""
        services = self.context.publisher.last_seen(ServiceObserved)
        return {service.service_key: service.name async for service in services}
