"""Allocates every vendor item to the target where it is billed, or to a line that says why it has none."""

# Invariant: an item whose service is known is in exactly one line. An item of which only the list row was
# read may be of any service of its marketplace, so it is in every line that it could change: each of them is
# then `unread`. A product that is billed has a line even if nothing is bought, and even if no vendor account
# is mapped to the company: every billable line of a mapped product is in exactly one usage line.
#
#   acme is mapped to co1, svc1 to prod1, svc2 to nothing; s1 is of svc1, s2 of svc2, s3 was only listed
#   → line co1 / prod1: s1, s3      line acme / svc2, "service not mapped": s2, s3

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from billing.usage.account_group import AccountGroup, VendorAccount
from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to
from billing.usage.usage_line import BilledLine, Classification, VendorItem
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecided, MappingDecision


class Place(NamedTuple):
    """Where an item is billed, or why it is billed nowhere."""

    account: Ref
    """The PSA account of the target, or the vendor account of what has no target."""
    catalogue_item: Ref
    """The PSA product of the target, or the vendor service of what has no target."""
    no_target: Classification | None = None
    """Why there is no target; None for a target."""


@dataclass(slots=True)
class ProductBilling:
    """The agreement lines of one product for the group's PSA account."""

    candidates: list[BilledLine] = field(default_factory=list)
    """The agreement lines that are billable and open on the day."""
    begins_later: bool = False
    """Whether a billable line is known that is not open yet."""
    line_count: int = 0
    """How many lines are billable, open or not."""
    changes_at: list[datetime] = field(default_factory=list)
    """The moments at which a billable line opens or ends."""
    moved_line_ids: list[str] = field(default_factory=list)
    """Lines of which a read-back says otherwise than the manifest whether they bill it."""


@dataclass(slots=True)
class LineBasis:
    """What one usage line is computed from: the items of one place, and the agreement lines there."""

    place: Place
    accounts: Sequence[VendorAccount]
    """The vendor accounts whose items may be in the line."""
    services: Mapping[Ref, MappingDecided | None]
    """The vendor services whose items may be in the line, each with its mapping decision."""
    billing: ProductBilling | None = None
    """None when the company has no agreement line of the product."""
    items: list[VendorItem] = field(default_factory=list)

    @property
    def vendor_integrations(self) -> set[str]:
        """Ids of the integrations that could sell these services to these accounts."""
        return {service.integration_id for service in self.services}

    def may_hold(self, item: VendorItem) -> bool:
        """Whether an item of unknown service may belong here."""
        if self.place.no_target:
            return item.account == self.place.account
        return item.integration_id in self.vendor_integrations


def allocate(
    group: AccountGroup, items: Sequence[VendorItem], billing: Mapping[Ref, ProductBilling]
) -> list[LineBasis]:
    """One basis for each usage line of a group; `billing` holds the agreement lines by PSA product (ref)."""
    bases: dict[Place, LineBasis] = {}
    billed = [
        product
        for product, of_product in billing.items()
        if of_product.line_count or of_product.moved_line_ids
    ]
    if group.psa_account:
        targets = (_target(Place(group.psa_account, product), group, billing) for product in billed)
        bases = {target.place: target for target in targets}
    accounts = {account.ref: account for account in group.accounts}
    for item in items:
        if item.service_id is None:
            continue
        account = accounts[item.account]
        service = Ref(RefKind.VENDOR_SERVICE, item.integration_id, item.service_id)
        decision = group.context.services.get(service)
        place = _place_of(account, service, decision)
        if place not in bases:
            without_target = LineBasis(place, [account], {service: decision})
            bases[place] = without_target if place.no_target else _target(place, group, billing)
        bases[place].items.append(item)
    # Only now are all lines known that an item of unknown service may be in.
    unread = [item for item in items if item.service_id is None]
    for basis in bases.values():
        basis.items += filter(basis.may_hold, unread)
    return list(bases.values())


def _target(place: Place, group: AccountGroup, billing: Mapping[Ref, ProductBilling]) -> LineBasis:
    vendors = {account.ref.integration_id for account in group.accounts}
    mappings = group.context.products.get(place.catalogue_item, ())
    return LineBasis(
        place,
        group.accounts,
        {mapped_from(mapping): mapping for mapping in mappings if mapping.vendor_integration_id in vendors},
        billing.get(place.catalogue_item),
    )


def _place_of(account: VendorAccount, service: Ref, decision: MappingDecided | None) -> Place:
    """The target that the decisions on an account and a service lead to, or why they lead to none."""
    mappings = {"account": account.mapping, "service": decision}
    excluded = [
        kind for kind, mapping in mappings.items() if mapping and mapping.decision is MappingDecision.EXCLUDED
    ]
    if excluded:
        return Place(account.ref, service, Classification(LineClass.EXCLUDED, f"{excluded[0]} excluded"))
    missing = [kind for kind, mapping in mappings.items() if mapping is None]
    if missing:
        reason = f"{' and '.join(missing)} not mapped"
        return Place(account.ref, service, Classification(LineClass.UNMAPPED, reason))
    psa_account, product = (mapped_to(mapping) for mapping in mappings.values() if mapping)
    if psa_account and product and psa_account.integration_id == product.integration_id:
        return Place(psa_account, product)
    reason = "account and service are mapped to different PSAs"
    return Place(account.ref, service, Classification(LineClass.UNMAPPED, reason))
