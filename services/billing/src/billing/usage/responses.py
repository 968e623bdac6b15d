"""Bodies of the answers about usage lines; numbers are exact decimal strings."""

from typing import Self

from pydantic import AwareDatetime, BaseModel, Field

from billing.usage.collision import WriteCollision
from billing.usage.usage_line import Evidence, LineNames, UsageLine
from shared.contracts.base import ContractModel
from shared.contracts.billing import Count, LineClass, MoneyEffect
from shared.contracts.fields import Number


class UsageLineResponse(ContractModel):
    """A usage line as people see it."""

    line_id: str
    line_class: LineClass
    reason: str | None = None
    names: LineNames
    psa_integration_id: str | None = None
    psa_account_id: str | None = None
    psa_product_id: str | None = None
    vendor_integration_id: str | None = None
    vendor_account_id: str | None = None
    service_id: str | None = None
    vendor_count: Count
    psa_count: Count
    money: MoneyEffect
    evidence: Evidence
    calculation: tuple[str, ...] = Field(
        (), description="How rules make the vendor's number, for each service that has any."
    )
    preview: Number | None = Field(
        None, description="What integrations whose mapping is not finished would add to the vendor's count."
    )
    being_read: bool = Field(
        default=False, description="Newer news of its accounts has come, and counts once it is confirmed."
    )
    seal: str = Field(description="Send it with the decision; another seal then means the line has changed.")
    changed_at: AwareDatetime
    in_flight: str | None = Field(None, description="The approval that is being written now.")
    collision: WriteCollision | None = Field(
        None, description="The last write of somebody else in the PSA that collided with one of ours."
    )

    @classmethod
    def of(
        cls,
        line: UsageLine,
        in_flight: str | None = None,
        *,
        being_read: bool = False,
        collision: WriteCollision | None = None,
    ) -> Self:
        """Returns the line as shown; `in_flight` is the id of the approval that is being written to it."""
        shown = cls.model_validate(line, from_attributes=True)
        more = {"in_flight": in_flight, "being_read": being_read, "collision": collision}
        return shown.model_copy(update=more)


class UsagePage(BaseModel):
    """Ordered by account, then product; `next` is the `after` of the page behind."""

    lines: tuple[UsageLineResponse, ...]
    next: str | None
