"""The values inside the messages about a write to a PSA: its terms, why it was refused, who else wrote."""

from enum import StrEnum

from shared.contracts.base import ContractModel
from shared.contracts.fields import Code, Id, Moment, Name, ReadNumber


class LineTerms(ContractModel):
    """The terms under which an agreement line bills: what people are shown of it besides its quantity."""

    account_id: Id
    product_id: Id
    billable: bool
    included: ReadNumber | None
    unit_price: ReadNumber | None
    unit_cost: ReadNumber | None
    currency: Code | None
    """ISO 4217; the tenant's own where the PSA names none."""


class WriteRefusal(StrEnum):
    """Why a write was not made, or not known to be made."""

    CONFLICT = "conflict"
    """The line is not what was approved: another quantity, other terms, closed or gone."""
    REJECTED = "rejected"
    """The PSA refused, and would refuse again."""
    EXPIRED = "expired"
    """`valid_until` passed before the write was sent."""
    CANCELLED = "cancelled"
    """What the person approved changed before the write was sent."""
    UNKNOWN_OUTCOME = "unknown-outcome"
    """It was sent, or may have been, and no reading could prove what became of it."""


class ForeignWrite(ContractModel):
    """A write of somebody else to the line, as a reading showed it."""

    quantity: ReadNumber | None
    """What the line held then."""
    updated_by: Name | None = None
    """Who changed the line last, as the PSA names them; None where it does not say."""
    updated_at: Moment | None = None
