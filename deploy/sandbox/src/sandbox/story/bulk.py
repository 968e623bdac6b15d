"""Generates any number of further subscriptions, with their customers, companies and agreement lines."""

# Every customer has eight subscriptions of eight different offers (the last customer has what is left), and
# one agreement that bills them.  Customer n starts at offer n of 40 and takes the next eight, so every offer
# is sold, and no customer has one twice: customer 38 has offers 38, 39, 0, 1, … 5.
#
# Of the lines 95 % are in step, 4 % differ by one seat, and 1 % of the subscriptions are not billed.  Names
# and part numbers are equal on both sides, so everything maps by the exact rules.  The generator has a seed
# of its own: the story's numbers do not depend on how many subscriptions are generated after it.

from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sandbox.connectwise import records
from sandbox.connectwise.fields import Record
from sandbox.connectwise.psa import PsaState
from sandbox.connectwise.records import AgreementBilling
from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import CustomerRecord, Offer, OfferPeriod
from sandbox.ingram.sale import Sale, sell
from sandbox.story.directory import Directory

OFFERS, PER_CUSTOMER = 40, 8
IN_STEP, DIFFERENT = 0.95, 0.99
"""A draw below the first makes a line in step, below the second a different one, above it none."""
TRADES = (
    "Dental",
    "Legal",
    "Logistics",
    "Robotics",
    "Bakery",
    "Clinic",
    "Studio",
    "Foods",
    "Optics",
    "Estates",
)


class Bulk:
    """Adds one generated customer after the other to both sides."""

    def __init__(self, seed: int, today: date, marketplace: MarketplaceState, psa: PsaState) -> None:
        self._rng = Random(f"bulk {seed}")  # noqa: S311 - a scenario, not a secret
        self._today = today
        self._marketplace = marketplace
        self._psa = psa
        self._directory = Directory(seed)
        self._offers: list[tuple[Offer, Record]] = []

    def generate(self, subscriptions: int) -> None:
        """Add this many subscriptions; nothing at all, not even offers, for 0."""
        if subscriptions:
            self._offers = [self._add_offer(number) for number in range(OFFERS)]
        for first in range(0, subscriptions, PER_CUSTOMER):
            self._add_customer(first // PER_CUSTOMER, min(PER_CUSTOMER, subscriptions - first))

    def _add_offer(self, number: int) -> tuple[Offer, Record]:
        term = OfferPeriod("year", 1) if number % 2 else OfferPeriod("month", 1)
        price, cost = Decimal(5 + number), Decimal(3 + number)
        name, mpn, product_id = f"Cloud service {number:02}", f"BULK-{number:04}", f"PRD9000{number:02}"
        offer = Offer(
            name, "Bulk", mpn, term, OfferPeriod("month", 1), price, cost, product_id, 20_000 + number
        )
        amounts = (float(price) + 2, float(cost))
        item = records.product(
            (self._psa.products.last_id or 0) + 1, mpn, name, amounts=amounts, updated=self._today
        )
        self._psa.products.add(item)
        return offer, item

    def _add_customer(self, number: int, subscriptions: int) -> None:
        name = f"{TRADES[number % len(TRADES)]} {number:06}"
        key, domain = f"Bulk{number:06}", f"b{number}.example"
        details = self._directory.customer(key, domain)
        customer = CustomerRecord(self._marketplace.new_id(), name, None, details)
        self._marketplace.add_customer(customer)
        agreement_id = self._add_agreement(name, key, domain)
        for nth in range(subscriptions):
            offer, item = self._offers[(number + nth) % OFFERS]
            seats = self._rng.randint(1, 60)
            created = self._today - timedelta(days=self._rng.randint(40, 1500))
            sell(self._marketplace, Sale(customer.id, offer, seats, created), self._today)
            self._bill(agreement_id, item, seats, nth)

    def _add_agreement(self, name: str, identifier: str, domain: str) -> int:
        psa, since = self._psa, self._today - timedelta(days=400)
        company_id, agreement_id = (psa.companies.last_id or 0) + 1, (psa.agreements.last_id or 0) + 1
        details = self._directory.company(identifier, domain)
        company = records.company(
            company_id, name, identifier=identifier, deleted=False, updated=since, details=details
        )
        psa.companies.add(company)
        psa.agreements.add(
            records.agreement(agreement_id, "Managed services", company, starts=since, ends=None)
        )
        return agreement_id

    def _bill(self, agreement_id: int, item: Record, seats: int, nth: int) -> None:
        draw = self._rng.random()
        if draw >= DIFFERENT:
            return
        billed = float(seats if draw < IN_STEP else seats + 1)
        billing = AgreementBilling(item, billed, self._today - timedelta(days=200))
        row = records.addition(
            self._psa.new_addition_id(),
            agreement_id,
            billing,
            sequence=nth + 1,
            updated=self._today - timedelta(days=20),
        )
        self._psa.add_addition(agreement_id, row)
