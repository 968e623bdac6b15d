"""What psa-sync publishes, and the commands that it handles."""

from datetime import date
from typing import ClassVar

from shared.contracts import base
from shared.contracts.base import Command, Event, Observation
from shared.contracts.evidence_fields import (
    CountryCode,
    Description,
    Domains,
    EvidenceText,
    EvidenceWords,
    TaxId,
)
from shared.contracts.fields import Code, Deadline, Id, Listed, Moment, Name, Number, ReadNumber, Sentence
from shared.contracts.manifest import AccountRead
from shared.contracts.quantity_write import ForeignWrite, LineTerms, WriteRefusal
from shared.contracts.run_end import RunFinished


class PsaAccountObserved(Observation):
    """A company in the PSA."""

    topic: ClassVar[str] = "psa-sync.account-observed.v1"
    meaning: ClassVar[str] = "A company in the PSA as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "account_id")
    evidence_fields: ClassVar[frozenset[str]] = frozenset(
        {"tax_id", "domains", "town", "postcode", "country", "status", "types"}
    )

    account_id: Id
    """The PSA's own id."""
    account_key: Code
    """The short name by which people know the company (ConnectWise `identifier`)."""
    name: Name
    active: bool
    tax_id: TaxId = None
    domains: Domains = ()
    """Of its website."""
    town: EvidenceText = None
    postcode: EvidenceText = None
    country: CountryCode = None
    status: EvidenceText = None
    """The tenant's own word; whether the company is active, `active` says."""
    types: EvidenceWords = ()
    """The tenant's own words, as *Client* or *Vendor*."""


class ProductObserved(Observation):
    """A catalogue item of the PSA; ConnectWise shows `product_key` as *Product ID*."""

    topic: ClassVar[str] = "psa-sync.product-observed.v1"
    meaning: ClassVar[str] = "A catalogue item of the PSA as last read"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "product_id")
    evidence_fields: ClassVar[frozenset[str]] = frozenset(
        {"description", "manufacturer_part_number", "vendor", "category", "product_class"}
    )

    product_id: Id
    """The PSA's own id."""
    product_key: Code
    """The part number by which people know the item (ConnectWise `identifier`)."""
    name: Name
    active: bool
    description: Description = None
    """What the customer is told of the item, where that is more than its name."""
    manufacturer_part_number: EvidenceText = None
    vendor: EvidenceText = None
    """Who makes the item; where the PSA does not say it, from whom the tenant buys it."""
    category: EvidenceText = None
    product_class: EvidenceText = None
    """The PSA's own word (ConnectWise: *Agreement*, *Bundle*, *Service* …)."""


class AgreementLineObserved(Observation):
    """One billed line: a ConnectWise addition."""

    topic: ClassVar[str] = "psa-sync.agreement-line-observed.v1"
    meaning: ClassVar[str] = "A billed line of the PSA as last read, from a run or a read-back"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    line_id: Id
    """The PSA's own id."""
    agreement_id: Id
    agreement_name: Name
    account_id: Id
    product_id: Id
    quantity: ReadNumber | None
    """Seats or units; None when the PSA gave none."""
    included: ReadNumber | None = None
    """Units billed free (ConnectWise `lessIncluded`); unless zero, the money effect is unknowable."""
    unit_price: ReadNumber | None = None
    """What the tenant charges for one unit and billing period, in `currency`."""
    unit_cost: ReadNumber | None = None
    """What one unit costs the tenant according to the PSA, in `currency`."""
    currency: Code | None = None
    """ISO 4217."""
    starts_on: date | None = None
    """First day on which the line is billed: both it and its agreement run."""
    ends_on: date | None = None
    """First day on which the line is no longer billed."""
    billable: bool
    read_back: bool = False
    """Whether a write read the line after it was sent: this alone counts without a manifest."""
    invoiced_until: date | None = None
    """The day until which the line is invoiced already; None when the PSA does not say."""


class PsaAccountRead(AccountRead):
    """The manifest of a company in the PSA: its things are agreement lines."""

    topic: ClassVar[str] = "psa-sync.account-read.v1"
    meaning: ClassVar[str] = "What a run found under a company, complete: only this makes numbers count"
    readers: ClassVar[tuple[str, ...]] = ("billing",)


class PsaRunFinished(RunFinished):
    """A run of a PSA integration ended."""

    topic: ClassVar[str] = "psa-sync.run-finished.v1"
    meaning: ClassVar[str] = "A PSA run ended, with what it published"
    readers: ClassVar[tuple[str, ...]] = ("matcher", "billing")


class PsaCredentialsRejected(base.ProviderCredentialsRejected):
    """The PSA refused the credentials."""

    topic: ClassVar[str] = "psa-sync.credentials-rejected.v1"
    meaning: ClassVar[str] = "The PSA refused the credentials of a generation"
    readers: ClassVar[tuple[str, ...]] = ("auth",)


class SyncPsa(base.SyncRequested):
    """Asks for a run of a PSA integration."""

    topic: ClassVar[str] = "psa-sync.sync-psa.v1"
    meaning: ClassVar[str] = "A PSA run is wanted"
    readers: ClassVar[tuple[str, ...]] = ("psa-sync",)


class WriteQuantity(Command):
    """Asks to set one agreement line to an approved quantity, unless it differs from what was shown."""

    topic: ClassVar[str] = "psa-sync.write-quantity.v1"
    meaning: ClassVar[str] = "Set one agreement line to an approved quantity"
    readers: ClassVar[tuple[str, ...]] = ("psa-sync",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: Id
    agreement_id: Id
    line_id: Id
    approval_id: Id
    expected_current: Number
    """The quantity on which the approval rests; another one now is a conflict."""
    target: Number
    terms: LineTerms
    """Under which the line billed when it was approved; others now are a conflict."""
    tenant_currency: Code | None = None
    """In which a line bills whose agreement names no currency."""
    day: date
    """The tenant's day on which the line was seen to be open; on the day of the write it must be, too."""
    day_ends_at: Deadline
    """When the tenant's next day begins; a command is valid for less than a day."""
    effective_on: date | None = None
    """The day from which the quantity counts; at once when None."""
    decided_at: Moment | None = None  # an older billing does not tell when a person approved it
    valid_until: Deadline
    """Nothing is sent later: the write is refused as expired."""


class CancelWrite(Command):
    """Asks not to make a commanded write any more, for what the person approved has changed.

    It may overtake its command, and then keeps it from being begun; what may have been sent is carried on.
    """

    topic: ClassVar[str] = "psa-sync.cancel-write.v1"
    meaning: ClassVar[str] = "Do not make a commanded write any more, unless it may have been sent"
    readers: ClassVar[tuple[str, ...]] = ("psa-sync",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: Id
    line_id: Id
    approval_id: Id
    reason: Sentence


class QuantityWritten(Event):
    """The line was read back and holds the approved quantity."""

    topic: ClassVar[str] = "psa-sync.quantity-written.v1"
    meaning: ClassVar[str] = "A line was read back and holds the approved quantity"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: Id
    line_id: Id
    approval_id: Id
    before: Number
    """The quantity before the write."""
    after: Number
    """The quantity as read back."""
    sent: bool
    """False when the line held the target already and nothing was sent."""
    overwritten: ForeignWrite | None = None
    """What somebody else had written after our first request, and a request of ours replaced."""
    followed_by: ForeignWrite | None = None
    """The last change of the line when it is not ours, and left the quantity as we wrote it."""
    request_ids: Listed[tuple[Id, ...]] = ()
    """The PSA's own ids of the calls (`x-cw-request-id`)."""
    proven_at: Moment
    """When the line was read back."""

    _sendable = base.bounded("request_ids")


class QuantityRefused(Event):
    """The approved quantity is not known to stand in the PSA."""

    topic: ClassVar[str] = "psa-sync.quantity-refused.v1"
    meaning: ClassVar[str] = "An approved quantity was not written, or not provably"
    readers: ClassVar[tuple[str, ...]] = ("billing",)
    key_fields: ClassVar[tuple[str, ...]] = ("integration_id", "line_id")

    integration_id: Id
    line_id: Id
    approval_id: Id
    reason: WriteRefusal
    current: Number | None = None
    """The quantity last read; None when no reading succeeded."""
    sent: bool = False
    """True when the quantity was sent and may stand in the PSA all the same."""
    foreign: ForeignWrite | None = None
    """Whose number the line holds, when it is neither the one that was approved upon nor ours."""
    detail: Sentence
    """What happened, in a sentence for people."""
    request_ids: Listed[tuple[Id, ...]] = ()
    refused_at: Moment

    _sendable = base.bounded("request_ids")
