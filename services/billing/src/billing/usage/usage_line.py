"""A usage line: both counts side by side, what they say, and everything that they rest on.

A line is one *target* (PSA account × PSA product) with the sum of all vendor items mapped to it, or one
vendor account × vendor service that has no target yet.
"""

# The seal is a hash of all that an approval rests on: counts, items that count, agreement lines, mappings.
# Whoever approves sends back the seal that they were shown; another by then means that something has changed.
# Ages, runs and names are left out: they change while nothing that matters has (architecture §7).
#
#   7 seats read again an hour later → same seal     8 seats, or a renewed subscription of 7 → another seal

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256

from pydantic import AwareDatetime

from billing.usage.ref import Ref, RefKind
from shared.contracts.base import ContractModel, NoNumber, key_of, opaque
from shared.contracts.billing import Count, LineClass, MoneyEffect, UsageLineChanged
from shared.contracts.fields import Number, plain
from shared.contracts.vendor_sync import SubscriptionStatus

SEAL_FORMAT = 1
"""Raise it when the content of the seal changes, so that no older seal is taken for one of the new form."""


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

    @property
    def counts(self) -> bool:
        return self.standing is CountStatus.COUNTING

    @property
    def has_ended(self) -> bool:
        return self.standing in (CountStatus.ENDED, CountStatus.ABSENT)

    @property
    def account(self) -> Ref:
        return Ref(RefKind.VENDOR_ACCOUNT, self.integration_id, self.account_id)


class BilledLine(ContractModel):
    """An agreement line that bills this target on the day, as last read."""

    integration_id: str
    line_id: str
    agreement_id: str
    agreement_name: str
    quantity: Number | None
    included: Number | None
    unit_price: Number | None
    unit_cost: Number | None = None
    currency: str | None
    starts_on: date | None
    ends_on: date | None
    invoiced_until: date | None
    observed_at: AwareDatetime
    as_of: AwareDatetime
    """When it was last read, or last confirmed unchanged by a complete full run."""
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

    @property
    def counting(self) -> list[VendorItem]:
        return [item for item in self.items if item.counts]


class LineNames(ContractModel):
    """What people call the things of a line; a name is left out until an observation has told it."""

    vendor_accounts: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    psa_account: str | None = None
    product: str | None = None
    product_key: str | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The class of a line, with the reason where the class alone does not tell it."""

    line_class: LineClass
    reason: str | None = None


class UsageLine(ContractModel):
    """One line as last reconciled. `revision` counts the states that were announced."""

    tenant_id: str
    line_id: str
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
    """Every integration that the line names, of both sides."""
    vendor_sources: tuple[str, ...] | None = None
    """The vendor integrations that the vendor count rests on; None in a line that an older build stored."""
    recheck_at: AwareDatetime | None = None
    """When time alone may change it: an agreement line opens or ends, a number becomes stale."""
    revision: int = 0
    present: bool = True
    """False once nothing is bought or billed any more, or before the first agreement line begins."""
    changed_at: AwareDatetime

    @property
    def agreement_line(self) -> BilledLine | None:
        """The line that an approval would write to; None when there is none, or more than one."""
        return self.evidence.billed[0] if len(self.evidence.billed) == 1 else None

    def seal_if_billed(self, quantity: Decimal) -> str:
        """The seal that the line would have if its agreement line billed this quantity, all else as it is."""
        billed = [line.model_copy(update={"quantity": quantity}) for line in self.evidence.billed]
        evidence = self.evidence.model_copy(update={"billed": tuple(billed)})
        psa_count = self.psa_count.model_copy(update={"number": quantity})
        return seal_of(self.line_id, self.vendor_count, psa_count, evidence)

    @property
    def account(self) -> Ref:
        """The PSA account of its target; the vendor account where it has no target."""
        if self.psa_integration_id and self.psa_account_id:
            return Ref(RefKind.PSA_ACCOUNT, self.psa_integration_id, self.psa_account_id)
        return Ref(RefKind.VENDOR_ACCOUNT, self.vendor_integration_id or "", self.vendor_account_id or "")

    @property
    def catalogue_item(self) -> Ref:
        """The PSA product of its target; the vendor service where it has no target."""
        if self.psa_integration_id and self.psa_product_id:
            return Ref(RefKind.PSA_PRODUCT, self.psa_integration_id, self.psa_product_id)
        return Ref(RefKind.VENDOR_SERVICE, self.vendor_integration_id or "", self.service_id or "")

    @property
    def key(self) -> str:
        return key_of(self.tenant_id, self.line_id)

    def announcement(self) -> UsageLineChanged:
        """The event that states this line."""
        return UsageLineChanged.model_validate(self, from_attributes=True)


def line_id_of(tenant_id: str, account: Ref, catalogue_item: Ref) -> str:
    """The id of the line of an account and a product or service; it stays the same for ever."""
    kind = "target" if account.kind is RefKind.PSA_ACCOUNT else "loose"
    return "line_" + opaque(kind, tenant_id, account.integration_id, account.id, catalogue_item.id)


def seal_of(line_id: str, vendor: Count, psa: Count, evidence: Evidence) -> str:
    """64 hex digits; equal exactly when counts, counting items, agreement lines and mappings are equal."""
    content = {
        "format": SEAL_FORMAT,
        "line": line_id,
        "vendor": [_number(vendor.number), vendor.missing or "", _number(vendor.known_part)],
        "psa": [_number(psa.number), psa.missing or "", _number(psa.known_part)],
        "items": sorted(_sealed_item(item) for item in evidence.counting),
        "billed": sorted(
            [line.integration_id, line.line_id, line.agreement_id, _number(line.quantity)]
            for line in evidence.billed
        ),
        "mappings": sorted([mapping.key, mapping.revision] for mapping in evidence.mappings),
    }
    # Sorted keys, no spaces, ASCII only: the same content is the same bytes on every machine.
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()


def _sealed_item(item: VendorItem) -> list[str]:
    ids = [item.integration_id, item.subscription_id, item.account_id, item.service_id or ""]
    return [*ids, item.status, _number(item.quantity), item.missing or ""]


def _number(number: Decimal | None) -> str:
    return "" if number is None else plain(number)
