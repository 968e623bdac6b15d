"""A usage line: both counts side by side, what they say, and everything that they rest on.

A line is one *target* (PSA account × PSA product) with the sum of all vendor items mapped to it, or one
vendor account × service that has no target yet.
"""

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from billing.usage import refs
from shared.contracts.base import ContractModel, NoNumber, Number, key_of, opaque
from shared.contracts.billing import Count, LineClass, MoneyEffect, UsageLineChanged
from shared.contracts.vendor_sync import SubscriptionStatus


class CountStatus(StrEnum):
    """Whether a subscription adds to the count: only `counting` ones do, the others add 0."""

    COUNTING = "counting"
    IDLE = "idle"
    """Not begun, or on hold where hold is not billed."""
    ENDED = "ended"
    ABSENT = "absent"


class VendorItem(ContractModel):
    """One subscription's share in a line; `quantity` is None only with the reason in `missing`."""

    integration_id: str
    subscription_id: str
    account_id: str
    service_id: str | None = None
    """None while only the subscription's list row was read."""
    name: str
    status: SubscriptionStatus
    standing: CountStatus
    quantity: Number | None = None
    missing: NoNumber | None = None
    detail: str | None = None
    unit_price: Number | None = None
    currency: str | None = None
    observed_at: AwareDatetime
    as_of: AwareDatetime
    """When it was last read, or last confirmed unchanged by a complete full run."""
    run_id: str
    revision: int


class BilledLine(ContractModel):
    """An agreement line that bills this target on the day, as last read."""

    integration_id: str
    line_id: str
    agreement_id: str
    agreement_name: str
    quantity: Number | None
    included: Number | None
    unit_price: Number | None
    currency: str | None
    starts_on: date | None
    ends_on: date | None
    invoiced_until: date | None
    observed_at: AwareDatetime
    as_of: AwareDatetime
    run_id: str
    revision: int


class MappingUsed(ContractModel):
    """A mapping that led to this line, as it stood (`key` is the message key)."""

    key: str
    revision: int


class Evidence(ContractModel):
    """What the two counts were made of."""

    items: tuple[VendorItem, ...] = ()
    billed: tuple[BilledLine, ...] = ()
    """One when there is a line to compare with, several when it is ambiguous."""
    mappings: tuple[MappingUsed, ...] = ()


class LineNames(ContractModel):
    """What people call the things of a line; empty when not heard yet."""

    vendor_accounts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    psa_account: str | None = None
    product: str | None = None
    product_key: str | None = None


class UsageLine(ContractModel):
    """One line as last reconciled. `revision` counts what others were told of."""

    tenant_id: str
    line_id: str
    scope: str
    """The account that it is a line of, as a ref (`models.refs`): the vendor's where it has no target."""
    psa_integration_id: str | None = None
    psa_account_id: str | None = None
    psa_product_id: str | None = None
    vendor_integration_id: str | None = None
    vendor_account_id: str | None = None
    service_id: str | None = None
    names: LineNames = LineNames()
    vendor_count: Count
    psa_count: Count
    line_class: LineClass
    reason: str | None = None
    money: MoneyEffect
    evidence: Evidence = Evidence()
    seal: str
    integration_ids: tuple[str, ...] = ()
    vendor_sources: tuple[str, ...] | None = None
    """The vendor integrations whose readings the vendor count rests on; None in a line stored by an older build."""
    recheck_at: AwareDatetime | None = None
    """When time alone may change it: a line opens or ends, a number becomes stale."""
    revision: int = 0
    present: bool = True
    """False once nothing is bought or billed any more, or before the first agreement line begins."""
    changed_at: AwareDatetime

    @property
    def agreement_line(self) -> BilledLine | None:
        """The line that an approval would write to; None when there is none, or more than one."""
        return self.evidence.billed[0] if len(self.evidence.billed) == 1 else None

    @property
    def wide(self) -> str:
        """The ref whose news concerns it, whatever the account: its PSA product, or its vendor service."""
        if self.psa_integration_id and self.psa_product_id:
            return refs.product(self.psa_integration_id, self.psa_product_id)
        return refs.service(self.vendor_integration_id or "", self.service_id or "")

    @property
    def key(self) -> str:
        return key_of(self.tenant_id, self.line_id)

    def announcement(self) -> UsageLineChanged:
        """What the world is told."""
        return UsageLineChanged.model_validate(self, from_attributes=True)


def target_line_id(tenant_id: str, psa_integration_id: str, account_id: str, product_id: str) -> str:
    return "line_" + opaque("target", tenant_id, psa_integration_id, account_id, product_id)


def loose_line_id(tenant_id: str, vendor_integration_id: str, account_id: str, service_id: str) -> str:
    """The id of what has no target."""
    return "line_" + opaque("loose", tenant_id, vendor_integration_id, account_id, service_id)
