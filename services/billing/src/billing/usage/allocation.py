"""Allocates every vendor item to the target where it is billed, or to a line that says why it has none."""

# Invariant: an item whose service is known is in one line, or in each of those that a split divides its
# service among; what they take of it adds up to what is billed (`shares.py`). An item of which only the list
# row was read may be of any service of its marketplace, so it is in every line that it could change: each of
# them is then `unread`. A product that is billed has a line even if nothing is bought, and even if no vendor
# account is mapped to the company: every billable line of a mapped product is in exactly one usage line.
#
#   acme is mapped to co1, svc1 to prod1, svc2 to nothing; s1 is of svc1, s2 of svc2, s3 was only listed
#   → line co1 / prod1: s1, s3      line acme / svc2, "service not mapped": s2, s3

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from billing.usage.account_group import AccountGroup, VendorAccount
from billing.usage.ref import Ref, RefKind, mapped_to
from billing.usage.shares import Share, shares_of
from billing.usage.usage_line import BilledLine, Classification, CountStatus, VendorItem
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecided, MappingDecision

_WOULD_ADD = (CountStatus.COUNTING, CountStatus.PREVIEW)


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
    shares: Sequence[Share] = ()
    """What the line takes of these services; of one without a target all is taken, and there are none."""
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
        return any(share.selects(item.account) for share in self.shares if not share.adds_nothing)

    @property
    def selling_accounts(self) -> list[Ref]:
        """The vendor accounts that could have bought what is in the line.

        Where all of what each could buy is billed as something else, these are all: the zero rests on them.
        """
        sold_to = [one.ref for one in self.accounts if one.ref.integration_id in self.vendor_integrations]
        selected = [ref for ref in sold_to if any(share.selects(ref) for share in self.shares)]
        return selected or sold_to

    def quantity_of(self, items: Iterable[VendorItem]) -> Decimal:
        """What these items add to the line, as far as they have numbers."""
        items = [*items]
        if all(share.is_plain for share in self.shares):
            return sum((item.quantity for item in items if item.quantity is not None), Decimal(0))
        return sum((share.quantity(items) for share in self.shares), Decimal(0))


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
    found: dict[tuple[Ref, Ref], list[tuple[LineBasis, Share | None]]] = {}
    for item in items:
        if item.service_id is None:
            continue
        account = accounts[item.account]
        service = Ref(RefKind.VENDOR_SERVICE, item.integration_id, item.service_id)
        bought = account.ref, service
        if bought not in found:
            found[bought] = _bases_of(account, service, group, billing=billing, bases=bases)
        for basis, share in found[bought]:
            included = share and share.adds_nothing and item.standing in _WOULD_ADD
            basis.items.append(replace(item, standing=CountStatus.INCLUDED) if included else item)
    # Only now are all lines known that an item of unknown service may be in.
    unread = [item for item in items if item.service_id is None]
    for basis in bases.values():
        basis.items += filter(basis.may_hold, unread)
    return list(bases.values())


def _target(place: Place, group: AccountGroup, billing: Mapping[Ref, ProductBilling]) -> LineBasis:
    vendors = {account.ref.integration_id for account in group.accounts}
    shares = [
        share
        for share in group.shares_in(place.catalogue_item)
        if share.mapping.vendor_integration_id in vendors
    ]
    return LineBasis(
        place,
        group.accounts,
        {share.service: share.mapping for share in shares},
        shares,
        billing.get(place.catalogue_item),
    )


def _bases_of(
    account: VendorAccount,
    service: Ref,
    group: AccountGroup,
    *,
    billing: Mapping[Ref, ProductBilling],
    bases: dict[Place, LineBasis],
) -> list[tuple[LineBasis, Share | None]]:
    """The lines that take what an account has of a service, each with its share; adds those that are new."""
    decision = group.context.services.get(service)
    place = _place_of(account, service, decision)
    if place.no_target or decision is None:
        return [(bases.setdefault(place, LineBasis(place, [account], {service: decision})), None)]
    found: list[tuple[LineBasis, Share | None]] = []
    for share in shares_of(decision):
        if share.selects(account.ref):
            target = Place(place.account, share.product)
            if target not in bases:
                bases[target] = _target(target, group, billing)
            found.append((bases[target], share))
    return found


def _place_of(account: VendorAccount, service: Ref, decision: MappingDecided | None) -> Place:
    """The account and the product that the decisions map to, or why they lead to no target."""
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
