"""What psa-sync publishes, and the commands it hears."""

from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts import base
from shared.contracts.base import Command, Event, Number, Observation


class PsaAccountObserved(Observation):
    """A company in the PSA."""

    topic: ClassVar[str] = "psa-sync.account-observed.v1"
    meaning: ClassVar[str] = "A company in the PSA as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "account_id")

    account_id: str
    account_key: str
    name: str
    active: bool


class ProductObserved(Observation):
    """A catalogue item of the PSA; ConnectWise shows `product_key` as *Product ID*."""

    topic: ClassVar[str] = "psa-sync.product-observed.v1"
    meaning: ClassVar[str] = "A catalogue item of the PSA as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "product_id")

    product_id: str
    product_key: str
    name: str
    active: bool


class AgreementLineObserved(Observation):
    """One billed line: a ConnectWise addition."""

    topic: ClassVar[str] = "psa-sync.agreement-line-observed.v1"
    meaning: ClassVar[str] = "A billed line of the PSA as last read, from a run or a read-back"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    line_id: str
    agreement_id: str
    agreement_name: str
    account_id: str
    product_id: str
    quantity: Number | None
    included: Number | None = None
    """Units billed free (`lessIncluded`); money is unknowable unless this is zero."""
    unit_price: Number | None = None
    unit_cost: Number | None = None
    currency: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    """First day on which the line is no longer billed."""
    billable: bool
    invoiced_until: date | None = None


class PsaRunFinished(base.RunFinished):
    """A run of a PSA integration ended."""

    topic: ClassVar[str] = "psa-sync.run-finished.v1"
    meaning: ClassVar[str] = "A PSA run ended, with what it published"
    readers: ClassVar[tuple[str, ...]] = ("billing",)


class PsaCredentialsRejected(base.ProviderCredentialsRejected):
    """The PSA refused the credentials."""

    topic: ClassVar[str] = "psa-sync.credentials-rejected.v1"
    meaning: ClassVar[str] = "The PSA refused the credentials of a generation"
    readers: ClassVar[tuple[str, ...]] = ("auth",)


class SyncPsa(base.SyncRequested):
    """A PSA run is wanted."""

    topic: ClassVar[str] = "psa-sync.sync-psa.v1"
    meaning: ClassVar[str] = "A PSA run is wanted"
    readers: ClassVar[tuple[str, ...]] = ("psa-sync",)


class WriteQuantity(Command):
    """Set one agreement line to the quantity that a person approved."""

    topic: ClassVar[str] = "psa-sync.write-quantity.v1"
    meaning: ClassVar[str] = "Set one agreement line to an approved quantity"
    readers: ClassVar[tuple[str, ...]] = ("psa-sync",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: str
    agreement_id: str
    line_id: str
    approval_id: str
    expected_current: Number
    target: Number
    effective_on: date | None = None
    valid_until: AwareDatetime


class WriteRefusal(StrEnum):
    """Why a write was not made, or not known to be made."""

    CONFLICT = "conflict"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN_OUTCOME = "unknown-outcome"


class QuantityWritten(Event):
    """The line was read back and holds the approved quantity."""

    topic: ClassVar[str] = "psa-sync.quantity-written.v1"
    meaning: ClassVar[str] = "A line was read back and holds the approved quantity"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: str
    line_id: str
    approval_id: str
    before: Number
    after: Number
    sent: bool
    """False when the line held the target already and nothing was sent."""
    request_ids: tuple[str, ...] = ()
    """The PSA's own ids of the calls (`x-cw-request-id`)."""
    proven_at: AwareDatetime


class QuantityRefused(Event):
    """The approved quantity is not known to stand in the PSA."""

    topic: ClassVar[str] = "psa-sync.quantity-refused.v1"
    meaning: ClassVar[str] = "An approved quantity was not written, or not provably"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: str
    line_id: str
    approval_id: str
    reason: WriteRefusal
    current: Number | None = None
    detail: str
    request_ids: tuple[str, ...] = ()
    refused_at: AwareDatetime
