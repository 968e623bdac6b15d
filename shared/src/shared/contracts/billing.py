"""What billing publishes: usage lines as compared, decisions on them, the end of a reconciliation."""

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.base import ContractModel, Event, NoNumber, Outcome, State, bounded
from shared.contracts.fields import Code, Id, Integer, Listed, Number, Sentence


class LineClass(StrEnum):
    """How the two counts of a usage line compare (architecture §4)."""

    IN_STEP = "in-step"
    VENDOR_HIGHER = "vendor-higher"
    """Usage that is not billed."""
    PSA_HIGHER = "psa-higher"
    """Billed beyond usage."""
    NOT_BILLED = "not-billed"
    """Usage without an agreement line."""
    ENDED_STILL_BILLED = "ended-still-billed"
    """The usage ended, and its agreement line goes on."""
    NOT_BOUGHT = "not-bought"
    """Billed, and nothing at the vendor is mapped to it."""
    AMBIGUOUS = "ambiguous"
    """Several agreement lines are candidates; a person chooses one."""
    UNMAPPED = "unmapped"
    EXCLUDED = "excluded"
    NO_VERDICT = "no-verdict"
    """A count is missing; `reason` says why."""


class Count(ContractModel):
    """A number, or the reason there is none with the part that is known."""

    number: Number | None = None
    missing: NoNumber | None = None
    known_part: Number | None = None
    """The sum of the contributors that have a number, when some have none."""
    detail: Sentence | None = None
    """More on why there is no number, for people."""
    as_of: AwareDatetime | None = None
    """When the oldest of the summed numbers was last confirmed."""


class PriceBasis(StrEnum):
    """Whose unit price an estimate rests on."""

    PSA_PRICE = "psa-price"
    VENDOR_PRICE = "vendor-price"


class MoneyEffect(ContractModel):
    """An estimate of what the difference is worth per billing period, or why none can be given."""

    amount: Number | None = None
    """In `currency`; above zero what is not billed, below zero what is billed beyond usage."""
    currency: Code | None = None
    """ISO 4217."""
    basis: PriceBasis | None = None
    unknown_because: Sentence | None = None


class UsageLineChanged(State):
    """States one usage line as reconciled: a target, or a vendor account and service without one."""

    topic: ClassVar[str] = "billing.usage-line-changed.v1"
    meaning: ClassVar[str] = "A usage line as reconciled: both counts, the class, the money effect"
    readers: ClassVar[tuple[str, ...]] = ("matcher",)
    key_fields: ClassVar[tuple[str, ...]] = ("line_id",)

    line_id: Id
    """Opaque."""
    psa_integration_id: Id | None = None
    psa_account_id: Id | None = None
    psa_product_id: Id | None = None
    vendor_integration_id: Id | None = None
    vendor_account_id: Id | None = None
    service_id: Id | None = None
    vendor_count: Count
    psa_count: Count
    line_class: LineClass
    reason: Sentence | None = None
    money: MoneyEffect
    present: bool = True
    changed_at: AwareDatetime


class ApprovalDecision(StrEnum):
    """What a person decided on a usage line."""

    APPROVED = "approved"
    """The vendor's number is billed as it is."""
    ADJUSTED = "adjusted"
    """A number that the person typed is billed."""
    DISMISSED = "dismissed"
    """Nothing is written in this period."""


class ApprovalRecorded(Event):
    """A person decided on a usage line, on the evidence that the seal names."""

    topic: ClassVar[str] = "billing.approval-recorded.v1"
    meaning: ClassVar[str] = "A person's decision on a usage line, sealed with its evidence"
    readers: ClassVar[tuple[str, ...]] = ()
    key_fields: ClassVar[tuple[str, ...]] = ("approval_id",)

    approval_id: Id
    line_id: Id
    decision: ApprovalDecision
    quantity: Number | None = None
    """What was approved; None when the line was dismissed."""
    seal: Id
    """A hash of the evidence that was shown (architecture §7)."""
    decided_by: Id
    """A person's id."""
    decided_at: AwareDatetime


class ReconciliationCompleted(Event):
    """Billing has stored the reconciliation of a sync's runs."""

    topic: ClassVar[str] = "billing.reconciliation-completed.v1"
    meaning: ClassVar[str] = "The reconciliation of a sync is stored"
    readers: ClassVar[tuple[str, ...]] = ()
    key_fields: ClassVar[tuple[str, ...]] = ("sync_id",)

    sync_id: Id
    integration_ids: Listed[tuple[Id, ...]]
    outcome: Outcome
    """That of the worst of the sync's runs."""
    by_class: dict[LineClass, Integer]
    """How many lines there are of each class."""
    money: Listed[dict[Code, Number]]
    """The estimated effect of all differences, by currency: currencies are never added."""
    unsummed: Integer = 0
    """Differences whose money is in none of the sums, for there are too many currencies."""
    coverage: Number
    """Share of lines whose counts are both numbers, 0 to 1."""
    completed_at: AwareDatetime

    _sendable = bounded("integration_ids", "money")
