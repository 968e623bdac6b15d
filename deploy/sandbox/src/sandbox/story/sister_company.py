"""Builds what a sister company sees in the same marketplace: other customers, of another reseller."""

from datetime import date, timedelta

from sandbox.ingram.marketplace import MarketplaceState
from sandbox.ingram.records import CustomerRecord
from sandbox.ingram.sale import Sale, sell
from sandbox.story.directory import Directory
from sandbox.story.fixtures import OFFERS

RESELLER_ID = "1000002"
_FIRST_ID = 2_000_000
"""One sequence numbers the things of all resellers: no id of the sister company's is one of the story's."""
_NAMES = ("Harbour Bakery", "Lakeside Clinic", "Northwind Sisters")


def build_sister_company(token_lifetime: timedelta, today: date) -> MarketplaceState:
    """Return her view; each of her customers has one subscription."""
    marketplace = MarketplaceState(token_lifetime)
    marketplace.new_id(_FIRST_ID)
    offer = next(iter(OFFERS.values()))
    for name in _NAMES:
        details = Directory(0).customer(name, "sister.example")
        customer = CustomerRecord(marketplace.new_id(), name, None, details, reseller_id=RESELLER_ID)
        marketplace.add_customer(customer)
        sell(marketplace, Sale(customer.id, offer, 3, today - timedelta(days=60)), today)
    return marketplace
