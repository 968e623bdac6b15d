"""How the seats of one vendor service become billed quantities, where that is not one to one."""

# The rules are part of the decision on the service: who sees or undoes the decision sees and undoes them.
# They are applied to what one PSA account has of the service, in this order:
#
#   overrides     acme's 4 seats are billed as another product; what follows is of the other 12 + 3
#   included_in   the service is part of a bundle and adds nothing, or:
#   quantity      12 + 3 bought, less 5 included, rounded up to 10s = 10
#   split         up to 8 of the 10 as product p1, and the other 2 as the product that the decision names

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from shared.contracts.base import ContractModel
from shared.contracts.fields import Id, ReadNumber
from shared.limits.people import ACCOUNT_OVERRIDES, SPLIT_PARTS
from shared.plain_text import counted

_Positive = Annotated[ReadNumber, Field(gt=0)]
_NotNegative = Annotated[ReadNumber, Field(ge=0)]


class Rounding(StrEnum):
    """To which multiple a quantity goes."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"
    """The half goes up."""


class QuantityRule(ContractModel):
    """Makes the quantity that is billed of the quantity that was bought: its fields, from top to bottom.

    Nothing bought is nothing billed, whatever the rule.
    """

    factor: _Positive = Decimal(1)
    """Units billed per unit bought."""
    included_units: _NotNegative = Decimal(0)
    """Taken off, for another price covers them; never below zero."""
    minimum: _NotNegative = Decimal(0)
    """The least that is billed."""
    multiple: _Positive | None = None
    """Only multiples of it are billed; None leaves the quantity as it is."""
    rounding: Rounding = Rounding.UP
    """To which multiple; without meaning where there is none."""


class SplitPart(ContractModel):
    """The part of the quantity that is billed as another product than the rest."""

    psa_id: Id
    """A product of the PSA that the decision names."""
    quantity: _Positive
    """The most that is billed as this product; parts are filled in their order."""


class AccountOverride(ContractModel):
    """Bills the service of one vendor account as another product, by no rule but its own."""

    vendor_account_id: Id
    """Of the marketplace that sells the service."""
    psa_id: Id
    """A product of the PSA that the decision names."""
    quantity: QuantityRule | None = None


class MappingRules(ContractModel):
    """The rules of one mapped vendor service; without any the sum of what was bought is billed."""

    quantity: QuantityRule | None = None
    split: Annotated[tuple[SplitPart, ...], Field(max_length=SPLIT_PARTS.most), counted(SPLIT_PARTS)] = ()
    """The parts that other products take; the decision's own product gets the rest."""
    overrides: Annotated[
        tuple[AccountOverride, ...], Field(max_length=ACCOUNT_OVERRIDES.most), counted(ACCOUNT_OVERRIDES)
    ] = ()
    included_in: Id | None = None
    """The vendor service, of the same marketplace and mapped to the same product, whose quantity is the
    bundle's source of truth; this service then adds nothing."""

    @model_validator(mode="after")
    def _assert_consistent(self) -> Self:
        if self.included_in and (self.quantity or self.split):
            raise ValueError("what is included in a bundle adds nothing: it has no quantity rule, no split")
        products = [part.psa_id for part in self.split]
        if len({*products}) < len(products):
            raise ValueError("a product is named twice in a split: give each product one part")
        accounts = [override.vendor_account_id for override in self.overrides]
        if len({*accounts}) < len(accounts):
            raise ValueError("an account is named twice among the overrides: give each account one")
        return self

    @property
    def product_ids(self) -> frozenset[str]:
        """The PSA products that are billed beside the decision's own."""
        split, overrides = (part.psa_id for part in self.split), (one.psa_id for one in self.overrides)
        return frozenset((*split, *overrides))
