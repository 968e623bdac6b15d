"""What vendor-sync publishes, and the command it hears."""

from datetime import date
from enum import StrEnum
from typing import ClassVar, Self

from pydantic import model_validator

from shared.contracts import base
from shared.contracts.base import ContractModel, NoNumber, Number, Observation


class SubscriptionStatus(StrEnum):
    """The marketplace's statuses (Ingram Micro SimpleAPI 1.15, subscription `status`)."""

    PENDING = "pending"
    ACTIVE = "active"
    HOLD = "hold"
    TERMINATED = "terminated"
    REMOVED = "removed"
    UNKNOWN = "unknown"


class VendorAccountObserved(Observation):
    """A customer in the marketplace."""

    topic: ClassVar[str] = "vendor-sync.account-observed.v1"
    meaning: ClassVar[str] = "A customer in the marketplace as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "account_id")

    account_id: str
    name: str
    external_id: str | None = None
    status: str


class ServiceObserved(Observation):
    """Something that is sold: `vendor | mpn | term | billing period`."""

    topic: ClassVar[str] = "vendor-sync.service-observed.v1"
    meaning: ClassVar[str] = "A service that the marketplace sells, derived from subscriptions"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "service_id")

    service_id: str
    service_key: str
    name: str
    """As the vendor calls it: what names are compared with."""
    title: str
    """As people read it, with the term and how it is billed."""
    vendor: str | None = None
    mpn: str | None = None
    term: str
    billing_period: str


class SubscriptionLine(ContractModel):
    """One product entry of a subscription: a quantity, or the reason there is none."""

    service_id: str
    quantity: Number | None = None
    missing: NoNumber | None = None
    unit_cost: Number | None = None
    unit_price: Number | None = None
    currency: str | None = None

    @model_validator(mode="after")
    def _number_or_reason(self) -> Self:
        if (self.quantity is None) == (self.missing is None):
            raise ValueError("a line has either a quantity or the reason there is none")
        return self


class SubscriptionObserved(Observation):
    """A subscription of a vendor account, with its lines once the detail has been read."""

    topic: ClassVar[str] = "vendor-sync.subscription-observed.v1"
    meaning: ClassVar[str] = "A subscription as last read; `detailed` tells whether its lines are known"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "subscription_id")

    subscription_id: str
    account_id: str
    name: str
    status: SubscriptionStatus
    created_on: date | None = None
    renews_on: date | None = None
    expires_on: date | None = None
    detailed: bool
    """False while only its list row was read: its services and quantities are `unread`."""
    lines: tuple[SubscriptionLine, ...] = ()


class VendorRunFinished(base.RunFinished):
    """A run of a marketplace integration ended."""

    topic: ClassVar[str] = "vendor-sync.run-finished.v1"
    meaning: ClassVar[str] = "A marketplace run ended, with what it published"
    readers: ClassVar[tuple[str, ...]] = ("billing",)


class VendorCredentialsRejected(base.ProviderCredentialsRejected):
    """The marketplace refused the credentials."""

    topic: ClassVar[str] = "vendor-sync.credentials-rejected.v1"
    meaning: ClassVar[str] = "The marketplace refused the credentials of a generation"
    readers: ClassVar[tuple[str, ...]] = ("auth",)


class SyncVendor(base.SyncRequested):
    """A marketplace run is wanted."""

    topic: ClassVar[str] = "vendor-sync.sync-vendor.v1"
    meaning: ClassVar[str] = "A marketplace run is wanted"
    readers: ClassVar[tuple[str, ...]] = ("vendor-sync",)
