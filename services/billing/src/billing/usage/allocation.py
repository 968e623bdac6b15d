"""Where usage is billed: an item's target, or why it has none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from billing.usage import refs
from billing.usage.account_group import AccountGroup, VendorAccount, standing
from billing.usage.psa_count import Lines, there
from billing.usage.usage_line import VendorItem
from billing.usage.vendor_items import items_of
from shared.contracts.billing import LineClass
from shared.contracts.matcher import MappingDecided, MappingDecision


@dataclass(slots=True)
class Target:
    """One product of the scope's PSA account, with all that belongs to it."""

    product_id: str
    services: Sequence[MappingDecided]
    """The services mapped to it, of the integrations that the scope's accounts are of."""
    agreement_lines: Lines
    items: list[VendorItem] = field(default_factory=list)

    @property
    def sources(self) -> set[str]:
        return {mapping.vendor_integration_id for mapping in self.services}


@dataclass(slots=True)
class UnmappedGroup:
    """One vendor account × service without a target."""

    account: VendorAccount
    service_id: str
    line_class: LineClass
    reason: str
    items: list[VendorItem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Allocation:
    """A scope's items, shared out."""

    targets: dict[str, Target]
    loose: dict[tuple[str, str], UnmappedGroup]
    """By the account's ref and the service's id."""


def allocate(scope: AccountGroup) -> Allocation:
    """Put every item where it is billed.

    An item of which only the list row was read may be of any service: it goes to all that it may concern.
    """
    places = Allocation(_billed_targets(scope), {})
    items = items_of(scope)
    for item in items:
        if item.service_id is not None:
            _place(item, item.service_id, scope, places)
    for item in items:
        if item.service_id is None:
            for concerned in _concerned(item, places):
                concerned.append(item)
    return places


def _billed_targets(scope: AccountGroup) -> dict[str, Target]:
    """What is billed, and sold by a vendor of these accounts, has a target even if nothing is bought."""
    billed = {line.last_known.product_id for line in there(scope.agreement_lines, scope.knowledge)}
    targets = (_target(product_id, scope) for product_id in sorted(billed))
    return {target.product_id: target for target in targets if target.services}


def _target(product_id: str, scope: AccountGroup) -> Target:
    ref = refs.product(scope.psa.integration_id, product_id) if scope.psa else ""
    vendors = {account.integration_id for account in scope.accounts}
    services = scope.knowledge.products.get(ref, ())
    return Target(
        product_id,
        [mapping for mapping in services if mapping.vendor_integration_id in vendors],
        [line for line in scope.agreement_lines if line.last_known.product_id == product_id],
    )


def _place(item: VendorItem, service_id: str, scope: AccountGroup, places: Allocation) -> None:
    account = _account(item, scope)
    mapping = scope.knowledge.service(item.integration_id, service_id)
    without = _without_target(account, mapping)
    if without is None and mapping and mapping.psa_id:
        if mapping.psa_id not in places.targets:
            places.targets[mapping.psa_id] = _target(mapping.psa_id, scope)
        places.targets[mapping.psa_id].items.append(item)
    elif without:
        loose = UnmappedGroup(account, service_id, *without)
        places.loose.setdefault((account.ref, service_id), loose).items.append(item)


def _account(item: VendorItem, scope: AccountGroup) -> VendorAccount:
    place = (item.integration_id, item.account_id)
    return next(one for one in scope.accounts if (one.integration_id, one.account_id) == place)


def _without_target(account: VendorAccount, service: MappingDecided | None) -> tuple[LineClass, str] | None:
    """The class and reason of a line without target; None when there is one."""
    decided = {"account": standing(account.mapping), "service": service}
    excluded = [kind for kind, one in decided.items() if one and one.decision is MappingDecision.EXCLUDED]
    if excluded:
        return LineClass.EXCLUDED, f"{excluded[0]} excluded"
    missing = [kind for kind, one in decided.items() if one is None]
    if missing:
        return LineClass.UNMAPPED, f"{' and '.join(missing)} not mapped"
    psas = {one.psa_integration_id for one in decided.values() if one}
    return (
        None if len(psas) == 1 else (LineClass.UNMAPPED, "account and service are mapped to different PSAs")
    )


def _concerned(item: VendorItem, places: Allocation) -> Iterable[list[VendorItem]]:
    account = refs.vendor_account(item.integration_id, item.account_id)
    for target in places.targets.values():
        if item.integration_id in target.sources:
            yield target.items
    for loose in places.loose.values():
        if loose.account.ref == account:
            yield loose.items
