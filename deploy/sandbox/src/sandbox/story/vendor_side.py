"""The marketplace's half of the story."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import CustomerRecord, Quantity
from sandbox.ingram.sale import Sale, sell
from sandbox.story.fixtures import ACCOUNTS, OFFERS
from sandbox.story.scenario import ScenarioEnding, ScenarioLine


class VendorSide:
    """Opens the customers' accounts and sells to them; `customers` has them by their key in the cast."""

    def __init__(self, marketplace: MarketplaceState, dice: Random, today: date) -> None:
        self._marketplace = marketplace
        self._dice = dice
        self._today = today
        self.customers: dict[str, CustomerRecord] = {}

    def open_accounts(self) -> None:
        for number, (key, account) in enumerate(ACCOUNTS.items()):
            self.customers[key] = CustomerRecord(
                id=self._marketplace.new_id(self._step()),
                name=account.name,
                external_id=f"CRM-{number:03}" if number % 3 == 0 else None,
                domain=f"{key}.example",
            )
            self._marketplace.add_customer(self.customers[key])

    def sell_line(self, line: ScenarioLine, seats: Sequence[Quantity | None]) -> list[str]:
        """One subscription per offer of the line; returns their ids."""
        return [
            self._sell(line.account, offer, quantity, status=line.status, currency=line.currency)
            for offer, quantity in zip(line.offers, seats, strict=True)
        ]

    def end(self, ended: ScenarioEnding) -> None:
        self._sell(ended.account, ended.offer, self._dice.randint(1, 9), status=ended.status)

    def sell_own_access(self) -> None:
        """The reseller's own access to the marketplace's API is a subscription without products, too."""
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
        created = self._today - timedelta(days=self._dice.randint(40, 700))
        sale = Sale(self.customers[account].id, OFFERS[offer], quantity, created, status, currency)
        return sell(self._marketplace, sale, self._today, step=self._step()).id

    def _step(self) -> int:
        return self._dice.randint(1, 9)
