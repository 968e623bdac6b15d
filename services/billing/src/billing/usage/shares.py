"""What one usage line takes of a vendor service's items: which items, by which rule, and which part."""

# Invariant: of each item of a mapped service, whatever account has it, all is taken: by the share of the
# override for its account, or else by the shares of the service's other items, whose cuts add up to the
# whole. A service in a bundle has a share that takes its items and adds nothing:
#
#   svc → p9, up to 8 as p8, acme's as p7     p7: acme's     p8: up to 8 of the others'     p9: the rest

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from billing.usage.quantity_rules import WHOLE, Cut, billed_quantity, calculation_words
from billing.usage.ref import Ref, RefKind, mapped_from, mapped_to
from billing.usage.usage_line import VendorItem
from shared.contracts.mapping_rules import MappingRules, QuantityRule
from shared.contracts.matcher import MappingDecided, MappingDecision

_NO_RULES = MappingRules()


@dataclass(frozen=True, slots=True)
class Share:
    """What a line of one product takes of a mapped service."""

    mapping: MappingDecided
    product: Ref
    account_ids: frozenset[str]
    """Of the override alone; of all others the accounts that have overrides, which it passes over."""
    is_override: bool = False
    rule: QuantityRule | None = None
    cut: Cut = WHOLE
    adds_nothing: bool = False
    """Whether the service is part of a bundle, for which another one stands."""

    @property
    def service(self) -> Ref:
        return mapped_from(self.mapping)

    @property
    def is_plain(self) -> bool:
        """Whether what is bought is what is billed."""
        return self.rule is None and self.cut == WHOLE and not self.adds_nothing

    def selects(self, account: Ref) -> bool:
        """Whether what a vendor account has of the service is in the line."""
        if account.integration_id != self.mapping.vendor_integration_id:
            return False
        return (account.id in self.account_ids) is self.is_override

    def holds(self, item: VendorItem) -> bool:
        """Whether the item is of the service, and of an account whose items are in the line."""
        return item.service_id == self.mapping.vendor_id and self.selects(item.account)

    def quantity(self, items: Iterable[VendorItem]) -> Decimal:
        """Returns what these items, those without a number left out, add to the line."""
        if self.adds_nothing:
            return Decimal(0)
        return self.cut.of(billed_quantity(sum(self._bought(items), Decimal(0)), self.rule))

    def words(self, items: Iterable[VendorItem]) -> str:
        """Returns how that is calculated."""
        if self.adds_nothing and self.mapping.rules:
            return f"included in {self.mapping.rules.included_in}, and adds nothing"
        words = calculation_words(self._bought(items), self.rule, self.cut)
        return f"of {min(self.account_ids)} as this product {words}" if self.is_override else words

    def _bought(self, items: Iterable[VendorItem]) -> list[Decimal]:
        return [one.quantity for one in items if one.quantity is not None and self.holds(one)]


def shares_of(mapping: MappingDecided) -> list[Share]:
    """Returns the shares of a mapped service; none of one that is not mapped."""
    product = mapped_to(mapping)
    if product is None or mapping.decision is not MappingDecision.APPROVED:
        return []
    rules = mapping.rules or _NO_RULES
    shares = [
        Share(
            mapping,
            _product(product, one.psa_id),
            frozenset({one.vendor_account_id}),
            is_override=True,
            rule=one.quantity,
        )
        for one in rules.overrides
    ]
    others = frozenset(one.vendor_account_id for one in rules.overrides)
    if rules.included_in:
        return [*shares, Share(mapping, product, others, adds_nothing=True)]
    floor = Decimal(0)
    for part in rules.split:
        cut = Cut(floor, floor + part.quantity)
        shares.append(Share(mapping, _product(product, part.psa_id), others, rule=rules.quantity, cut=cut))
        floor += part.quantity
    return [*shares, Share(mapping, product, others, rule=rules.quantity, cut=Cut(floor))]


def _product(beside: Ref, id_: str) -> Ref:
    return Ref(RefKind.PSA_PRODUCT, beside.integration_id, id_)
