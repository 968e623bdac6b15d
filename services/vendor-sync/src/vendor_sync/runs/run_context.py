"""What the steps of a marketplace run share."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from shared.contracts.vendor_sync import ServiceObserved, VendorAccountObserved
from shared.sync_engine.models import Run, translate_provider_errors
from shared.sync_engine.run_context import RunContext
from shared.sync_engine.stamp import Stamp
from vendor_sync.marketplace import ListPage
from vendor_sync.runs.account_collect import AccountListing
from vendor_sync.runs.ports import DetailQueue, Marketplace, VendorRunStores

FIRST_LISTING, LAST_LISTING = "subscriptions", "confirming"
"""The names of the steps that read the lists of all subscriptions."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class VendorRunContext:
    """Joins the run's own context with an open marketplace and what is kept between the steps."""

    context: RunContext
    marketplace: Marketplace
    stores: VendorRunStores
    renewals_listed_within: timedelta
    """How long lists may fail to show the new id of a renewal."""

    @property
    def run(self) -> Run:
        return self.context.run

    @property
    def queue(self) -> DetailQueue:
        return self.stores.queue

    @property
    def first_lists(self) -> AccountListing:
        """The lists with which the run began; only steps behind them may ask."""
        report = self.run.reports[FIRST_LISTING]
        return AccountListing(report.listed_revision, report.listing)

    @property
    def last_lists(self) -> AccountListing | None:
        """The lists that were read again at the end; None before."""
        report = self.run.reports.get(LAST_LISTING)
        return AccountListing(report.listed_revision, report.listing) if report else None

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

    async def known_account_ids(self) -> set[str]:
        """Returns the ids of all accounts that are published as present."""
        accounts = self.context.publisher.last_seen(VendorAccountObserved)
        return {account.account_id async for account in accounts if account.present}
