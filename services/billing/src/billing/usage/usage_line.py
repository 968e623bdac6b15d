"""A usage line: both counts side by side, what they say, and everything that they rest on.

A line is one *target* (PSA account × PSA product) with the sum of all vendor items mapped to it, or one
vendor account × vendor service that has no target yet.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from billing.usage.manifest import EndedThings
from billing.usage.ref import Ref, RefKind
from shared.contracts.base import ContractModel, NoNumber, key_of, opaque
from shared.contracts.billing import Count, LineClass, MoneyEffect, UsageLineChanged
from shared.contracts.fields import Number
from shared.contracts.vendor_sync import MissingQuantity, SubscriptionStatus

UNDECIDED = frozenset({NoNumber.STALE, NoNumber.UNREAD})
"""Why a number is missing that a reading may make known although it finds nothing new."""
SHOWN_ITEMS = 200
"""So many items a line keeps: with all of a very large group it would be too large a document to store."""


class CountStatus(StrEnum):
    """Whether a subscription adds to the count: only `counting` ones do, the others add 0."""

    COUNTING = "counting"
    IDLE = "idle"
    """Not begun, or on hold where hold is not billed."""
    ENDED = "ended"
    PREVIEW = "preview"
    """Of an integration whose mapping is not finished: what it would add."""
    INCLUDED = "included"
    """Of a service that is part of a bundle: the quantity of another one stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorItem:
    """One subscription's share in a line; `quantity` is None only with the reason in `missing`.

    A group may have very many: as a model of pydantic each would take ten times the memory.
    """

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
    reason: MissingQuantity | None = None
    """Why the vendor gave no quantity, where that is why there is none."""
    detail: str | None = None
    """The same in a sentence, or why there is no number otherwise."""
    unit_price: Number | None = None
    currency: str | None = None
    observed_at: AwareDatetime
    as_of: AwareDatetime
    """When it was last read, whether or not that said anything new."""
    run_id: str
    revision: int

    @property
    def counts(self) -> bool:
        return self.standing is CountStatus.COUNTING

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
    """When it was last read, whether or not that said anything new."""
    run_id: str
    revision: int


class MappingUsed(ContractModel):
    """A mapping that led to this line, as it stood (`key` is the message key)."""

    key: str
    revision: int


class UnshownAccount(ContractModel):
    """A vendor account of which items count that are not shown."""

    integration_id: str
    account_id: str
    as_of: AwareDatetime
    """When the oldest of them was last read."""

    @property
    def ref(self) -> Ref:
        return Ref(RefKind.VENDOR_ACCOUNT, self.integration_id, self.account_id)


class UnshownItems(ContractModel):
    """What a line rests on besides the items that it shows."""

    count: int
    quantity: Number
    """The sum of those that count and have a number."""
    seal: str
    """A hash of those that count."""
    accounts: tuple[UnshownAccount, ...]


class Evidence(ContractModel):
    """What the two counts were made of."""

    items: tuple[VendorItem, ...] = ()
    """At most `SHOWN_ITEMS`; those that have no number first, then the largest are chosen."""
    more: UnshownItems | None = None
    """The other items, summed up; None when all are shown."""
    ended: EndedThings = EndedThings()
    """What was bought before, and ended."""
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
    """One line as last reconciled. `revision` is raised by each state that is announced."""

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
    vendor_accounts: tuple[str, ...] = ()
    """The vendor accounts that the vendor count rests on, as encoded refs."""
    calculation: tuple[str, ...] = ()
    """How rules make the vendor's number, in words: for each service with rules one sentence."""
    preview: Number | None = None
    """What integrations whose mapping is not finished would add; None when there are none."""
    last_vendor: Number | None = None
    """The last number that its vendor count was, whatever it is now."""
    last_psa: Number | None = None
    unit_price: Number | None = None
    """What one unit is worth in `currency`, on whichever side it is known."""
    currency: str | None = None
    recheck_at: AwareDatetime | None = None
    """When time alone may change it: an agreement line opens or ends, a number becomes stale."""
    manifests_digest: str = ""
    """A hash of what the manifests said that it was calculated with; empty where none was kept."""
    revision: int = 0
    present: bool = True
    """False once nothing is bought or billed any more, or before the first agreement line begins."""
    changed_at: AwareDatetime

    @property
    def agreement_line(self) -> BilledLine | None:
        """The line that an approval would write to; None when there is none, or more than one."""
        return self.evidence.billed[0] if len(self.evidence.billed) == 1 else None

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
    def is_undecided(self) -> bool:
        """Whether a reading alone may make a number of it known: it is not read, or not lately."""
        return bool(UNDECIDED & {self.vendor_count.missing, self.psa_count.missing})

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
