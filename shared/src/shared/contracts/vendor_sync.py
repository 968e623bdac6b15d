"""What vendor-sync publishes, and the command that it handles."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from shared.contracts import base
from shared.contracts.base import ContractModel, NoNumber, Observation
from shared.contracts.evidence_fields import CountryCode, Domains, EvidenceText, TaxId
from shared.contracts.fields import Code, Id, Name, ReadNumber, ServiceKey
from shared.contracts.manifest import AccountRead
from shared.contracts.run_end import RunFinished
from shared.limits import messages as limits
from shared.plain_text import counted


class SubscriptionStatus(StrEnum):
    """The marketplace's own statuses (Ingram Micro SimpleAPI 1.15, subscription `status`)."""

    PENDING = "pending"
    ACTIVE = "active"
    HOLD = "hold"
    TERMINATED = "terminated"
    REMOVED = "removed"
    UNKNOWN = "unknown"
    """A word that this contract does not know."""


class MissingQuantity(StrEnum):
    """Why the marketplace gives no quantity; each is a count that nobody knows, and none is zero."""

    EXTERNAL_RATING = "external-rating"
    """It is rated after use (`chargeExternalRating`): what it may say is no number of seats."""
    NO_QUANTITY = "no-quantity"
    """The product is listed without a quantity."""
    NO_PRODUCTS = "no-products"
    """The subscription lists no products at all."""


def unlisted_name(account_id: str) -> str:
    """Returns what stands for the name of a customer whom no list has named: no name, for people to read."""
    return f"Customer #{account_id}"


class VendorAccountObserved(Observation):
    """A customer in the marketplace."""

    topic: ClassVar[str] = "vendor-sync.account-observed.v1"
    meaning: ClassVar[str] = "A customer in the marketplace as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "account_id")
    evidence_fields: ClassVar[frozenset[str]] = frozenset(
        {"tax_id", "domains", "town", "postcode", "country"}
    )

    account_id: Id
    """The marketplace's own id."""
    name: Name
    """`unlisted_name` until a list names the customer."""
    external_id: Code | None = None
    """The tenant's own id of the customer, as typed into the marketplace."""
    status: Code
    """In the marketplace's own words."""
    tax_id: TaxId = None
    domains: Domains = ()
    """Of its contacts' e-mail addresses; public mail hosts are left out, and so is all else of a contact."""
    town: EvidenceText = None
    postcode: EvidenceText = None
    country: CountryCode = None


class ServiceObserved(Observation):
    """Something that is sold, told apart by vendor, part number, term and billing period."""

    topic: ClassVar[str] = "vendor-sync.service-observed.v1"
    meaning: ClassVar[str] = "A service that the marketplace sells, derived from subscriptions"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "service_id")
    evidence_fields: ClassVar[frozenset[str]] = frozenset({"family", "plan", "edition"})

    service_id: Id
    """Opaque, made of the integration and the key (`service_id_of`)."""
    service_key: ServiceKey
    """`vendor|mpn|term|billing period`; architecture §4 says what stands in for a missing part."""
    name: Name
    """As the vendor calls it; names are compared by it."""
    title: Name
    """For people: the name with the term and the billing period."""
    vendor: Code | None = None
    mpn: Code | None = None
    """Manufacturer part number."""
    term: Code
    """`1 year`, `1 month`; `-` when unset."""
    billing_period: Code
    """Written as the term is."""
    family: EvidenceText = None
    """The line of products that it belongs to, where the marketplace says it; Ingram Micro does not."""
    plan: EvidenceText = None
    """As the family: Ingram Micro numbers plans, and names them in calls that no run makes."""
    edition: EvidenceText = None
    """As the family."""


class SubscriptionLine(ContractModel):
    """One product entry of a subscription: a quantity, or the reason there is none."""

    service_id: Id
    quantity: ReadNumber | None = None
    """Seats or units."""
    missing: NoNumber | None = None
    """Which kind of "no number" it is, when there is no quantity."""
    reason: MissingQuantity | None = None
    """Why the marketplace gave no quantity."""
    unit_cost: ReadNumber | None = None
    """What the tenant pays for one unit and billing period, in `currency`."""
    unit_price: ReadNumber | None = None
    """What the marketplace suggests to charge for it, in `currency`."""
    currency: Code | None = None
    """ISO 4217."""

    @model_validator(mode="after")
    def _number_or_reason(self) -> Self:
        if (self.quantity is None) == (self.missing is None):
            raise ValueError("a line has either a quantity or the reason there is none")
        return self


class SubscriptionObserved(Observation):
    """A subscription of a vendor account, with its lines once its detail was read."""

    topic: ClassVar[str] = "vendor-sync.subscription-observed.v1"
    meaning: ClassVar[str] = "A subscription as last read; `detailed` tells whether its lines are known"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "subscription_id")

    subscription_id: Id
    account_id: Id
    name: Name
    status: SubscriptionStatus
    created_on: date | None = None
    renews_on: date | None = None
    expires_on: date | None = None
    detailed: bool
    """False while only its list row was read: its services and quantities are `unread`."""
    lines: Annotated[
        tuple[SubscriptionLine, ...],
        Field(max_length=limits.SUBSCRIPTION_LINES.most),
        counted(limits.SUBSCRIPTION_LINES),
    ] = ()

    _sendable = base.bounded("lines")


class VendorAccountRead(AccountRead):
    """The manifest of a customer in the marketplace: its things are subscriptions that have not ended."""

    topic: ClassVar[str] = "vendor-sync.account-read.v1"
    meaning: ClassVar[str] = "What a run found under a customer, complete: only this makes numbers count"
    readers: ClassVar[tuple[str, ...]] = ("billing",)


class VendorRunFinished(RunFinished):
    """A run of a marketplace integration ended."""

    topic: ClassVar[str] = "vendor-sync.run-finished.v1"
    meaning: ClassVar[str] = "A marketplace run ended, with what it published"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")


class VendorCredentialsRejected(base.ProviderCredentialsRejected):
    """The marketplace refused the credentials."""

    topic: ClassVar[str] = "vendor-sync.credentials-rejected.v1"
    meaning: ClassVar[str] = "The marketplace refused the credentials of a generation"
    readers: ClassVar[tuple[str, ...]] = ("auth",)


class SyncVendor(base.SyncRequested):
    """Asks for a run of a marketplace integration."""

    topic: ClassVar[str] = "vendor-sync.sync-vendor.v1"
    meaning: ClassVar[str] = "A marketplace run is wanted"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync",)
