"""Puts the marketplace's half of the story into its state."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import CustomerRecord, Quantity
from sandbox.ingram.sale import Sale, sell
from sandbox.story.directory import Directory
from sandbox.story.fixtures import ACCOUNTS, OFFERS
from sandbox.story.scenario import ScenarioEnding, ScenarioLine


class VendorSide:
    """Adds customers and sells to them; `customers` finds them by their fixture keys."""

    def __init__(self, marketplace: MarketplaceState, rng: Random, today: date, directory: Directory) -> None:
        self._marketplace, self._directory = marketplace, directory
        self._rng = rng
        self._today = today
        self.customers: dict[str, CustomerRecord] = {}

    def add_customers(self) -> None:
        for number, (key, account) in enumerate(ACCOUNTS.items()):
            # Every third customer has an external id, as only some resellers' do.
            self.customers[key] = CustomerRecord(
                id=self._marketplace.new_id(self._id_step()),
                name=account.name,
                external_id=f"CRM-{number:03}" if number % 3 == 0 else None,
                details=self._directory.customer(key, f"{key}.example"),
            )
            self._marketplace.add_customer(self.customers[key])

    def sell_line(self, line: ScenarioLine, seats: Sequence[Quantity | None]) -> list[str]:
        """Sell one subscription for each offer of the line; return their ids."""
        return [
            self._sell(line.account, offer, quantity, status=line.status, currency=line.currency)
            for offer, quantity in zip(line.offers, seats, strict=True)
        ]

    def sell_ended(self, ended: ScenarioEnding) -> None:
        self._sell(ended.account, ended.offer, self._rng.randint(1, 9), status=ended.status)

    def sell_api_access(self) -> None:
        """Sell the reseller its own access to the marketplace's API: a subscription without products."""
        self._sell("own", "marketplace-api", None)

    def _sell(
        self,
        account: str,
        offer: str,
        quantity: Quantity | None,
        *,
        status: str = "active",
        currency: str = "USD",
    ) -> str:
        created = self._today - timedelta(days=self._rng.randint(40, 700))
        sale = Sale(self.customers[account].id, OFFERS[offer], quantity, created, status, currency)
        return sell(self._marketplace, sale, self._today, step=self._id_step()).id

    def _id_step(self) -> int:
        return self._rng.randint(1, 9)
