"""Knows what both sides may know of a company besides its name: place, tax number, domain, a contact."""

# Invariant: of one seed and key the directory always says the same, whatever was asked before: each company
# has a generator of its own, so that ids and quantities, which come from the story's, do not depend on it.
#
# One truth is told twice, as two people type it. Mostly it agrees; some of it is missing on one side, and
# now and then one side is behind:
#
#   truth     Leeds, LS1 4AP, GB, 123456789, alpine.example
#   customer  Leeds, LS1 4AP, GB, 12-3456789, robin@alpine.example    some without number, or at gmail.com
#   company   Leeds, ls1 4ap, United Kingdom, www.alpine.example      some without website, or where it was

from dataclasses import dataclass
from random import Random
from typing import Final

from sandbox.connectwise.records import CompanyDetails
from sandbox.ingram.records import CustomerDetails

COUNTRIES: Final = {"US": "United States", "GB": "United Kingdom", "DE": "Germany", "AU": "Australia"}
TOWNS: Final = (
    ("Austin", "78701", "US"),
    ("Portland", "97204", "US"),
    ("Leeds", "LS1 4AP", "GB"),
    ("Bristol", "BS1 5TR", "GB"),
    ("München", "80331", "DE"),
    ("Hobart", "7000", "AU"),
)
STREETS: Final = ("Main Street", "Station Road", "Mill Lane", "High Street")
PUBLIC_MAIL: Final = "gmail.com"
HAS_TAX_REG_ID, HAS_OWN_MAIL = 0.6, 0.85
HAS_WEBSITE, HAS_TAX_IDENTIFIER, HAS_COUNTRY, IS_UP_TO_DATE, IN_CAPITALS = 0.75, 0.5, 0.8, 0.95, 0.5
"""A draw below the number makes it so."""


@dataclass(frozen=True, slots=True)
class _Truth:
    town: str
    postcode: str
    country: str
    tax_number: str
    street: str
    draws: tuple[float, ...]
    """One for each way in which what the two sides say may differ."""


class Directory:
    """Tells of each company, by the key that it has in the story, what either side says of it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def customer(self, key: str, domain: str) -> CustomerDetails:
        """Returns what the marketplace knows of a customer."""
        truth = self._truth(key)
        number = f"{truth.tax_number[:2]}-{truth.tax_number[2:]}"
        return CustomerDetails(
            street=truth.street,
            city=truth.town,
            postal_code=truth.postcode,
            country_code=truth.country,
            tax_reg_id=number if truth.draws[0] < HAS_TAX_REG_ID else None,
            email=f"robin@{domain if truth.draws[1] < HAS_OWN_MAIL else PUBLIC_MAIL}",
        )

    def company(self, key: str, domain: str) -> CompanyDetails:
        """Returns what the PSA knows of the same company."""
        truth = self._truth(key)
        *_, website, tax_identifier, place, country, capitals = truth.draws
        town, postcode, code = truth.town, truth.postcode, truth.country
        if place >= IS_UP_TO_DATE:  # it moved, and nobody told the PSA
            town, postcode, code = TOWNS[0]
        return CompanyDetails(
            street=truth.street,
            city=town,
            postcode=postcode if capitals < IN_CAPITALS else postcode.lower(),
            country=COUNTRIES[code] if country < HAS_COUNTRY else None,
            website=f"https://www.{domain}" if website < HAS_WEBSITE else None,
            tax_identifier=truth.tax_number if tax_identifier < HAS_TAX_IDENTIFIER else None,
        )

    def _truth(self, key: str) -> _Truth:
        rng = Random(f"directory {self._seed} {key}")  # noqa: S311 - a scenario, not a secret
        town, postcode, country = rng.choice(TOWNS)
        return _Truth(
            town,
            postcode,
            country,
            tax_number=str(rng.randint(100_000_000, 999_999_999)),
            street=f"{rng.randint(1, 99)} {rng.choice(STREETS)}",
            draws=tuple(rng.random() for _ in range(7)),
        )
