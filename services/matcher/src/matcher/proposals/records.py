"""What the engine is given of one account or one service, of either side."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A customer of the marketplace or a company of the PSA, with what helps to recognise it."""

    id: str
    name: str
    code: str | None = None
    """The tenant's own id: a customer's external id, a company's identifier."""
    tax_id: str | None = None
    domains: tuple[str, ...] = ()
    town: str | None = None
    postcode: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """A service that the marketplace sells, or a product of the PSA's catalogue."""

    id: str
    name: str
    code: str | None = None
    """The vendor's part number (`mpn`), or the PSA's *Product ID*."""
    part_number: str | None = None
    """A product's manufacturer part number, where the PSA has one beside the Product ID."""
    vendor: str | None = None
    term: str | None = None
    billing_period: str | None = None
    is_code_text: bool = False
    """Whether the code is written by people and says something, as a Product ID does."""

    @property
    def code_text(self) -> str:
        return self.code or "" if self.is_code_text else ""
