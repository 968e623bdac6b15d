"""The rules of a mapped service as people send them: to decide on them, or to see what they would change."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.contracts.mapping_rules import MappingRules, Rounding
from shared.limits.people import ACCOUNT_OVERRIDES, SPLIT_PARTS
from shared.plain_text import counted
from shared.web.quantities import PositiveQuantity, Quantity
from shared.web.requests import Id


class _RulesPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class QuantityRuleRequest(_RulesPart):
    """What is billed of what was bought: the fields from top to bottom. Nothing bought is nothing billed."""

    factor: PositiveQuantity | None = Field(None, description="Units billed per unit bought; 1 if left out.")
    included_units: Quantity | None = Field(
        None, description="Taken off, for another price covers them; never below zero."
    )
    minimum: Quantity | None = Field(None, description="The least that is billed.")
    multiple: PositiveQuantity | None = Field(None, description="Only multiples of it are billed.")
    rounding: Rounding = Field(Rounding.UP, description="To which multiple; `nearest` takes the half up.")


class SplitPartRequest(_RulesPart):
    """The part of the quantity that another product than the mapping's own takes."""

    psa_id: Id = Field(description="A product of the PSA that is mapped to.")
    quantity: PositiveQuantity = Field(description="The most of it; parts are filled in their order.")


class AccountOverrideRequest(_RulesPart):
    """For one vendor account the service is billed as another product, by no rule but its own."""

    vendor_account_id: Id
    psa_id: Id = Field(description="A product of the PSA that is mapped to.")
    quantity: QuantityRuleRequest | None = None


class MappingRulesRequest(_RulesPart):
    """How the quantity of a mapped service becomes billed quantities; `{}` is none: the sum is billed."""

    quantity: QuantityRuleRequest | None = None
    split: Annotated[
        tuple[SplitPartRequest, ...], Field(max_length=SPLIT_PARTS.most), counted(SPLIT_PARTS)
    ] = Field((), description="What other products take; the mapping's own product gets the rest.")
    overrides: Annotated[
        tuple[AccountOverrideRequest, ...],
        Field(max_length=ACCOUNT_OVERRIDES.most),
        counted(ACCOUNT_OVERRIDES),
    ] = Field((), description="Accounts for which the service is another product.")
    included_in: Id | None = Field(
        None, description="The service whose quantity stands for the bundle; this one then adds nothing."
    )

    @model_validator(mode="after")
    def _assert_consistent(self) -> Self:
        self.rules()
        return self

    def rules(self) -> MappingRules:
        """Returns what is decided on."""
        return MappingRules.model_validate(self.model_dump(exclude_none=True))
