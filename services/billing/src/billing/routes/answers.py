"""What is answered about usage lines, and how: numbers as exact decimal strings."""

from typing import Self

from fastapi import Response
from pydantic import AwareDatetime, BaseModel, Field

from billing.models.usage_line import Evidence, Names, UsageLine
from shared.contracts.base import Part
from shared.contracts.billing import Count, LineClass, Money


class LineShown(Part):
    """A usage line as people see it."""

    line_id: str
    line_class: LineClass
    reason: str | None = None
    names: Names
    psa_integration_id: str | None = None
    psa_account_id: str | None = None
    psa_product_id: str | None = None
    vendor_integration_id: str | None = None
    vendor_account_id: str | None = None
    service_id: str | None = None
    vendor_count: Count
    psa_count: Count
    money: Money
    evidence: Evidence
    seal: str = Field(description="Send it with the decision; another seal then means the line has changed.")
    changed_at: AwareDatetime
    in_flight: str | None = Field(None, description="The approval that is being written now.")

    @classmethod
    def of(cls, line: UsageLine, in_flight: str | None = None) -> Self:
        shown = cls.model_validate(line, from_attributes=True)
        return shown.model_copy(update={"in_flight": in_flight}) if in_flight else shown


def json(model: BaseModel, *, status: int = 200) -> Response:
    """The model's own JSON, written once."""
    return Response(model.model_dump_json(), status, media_type="application/json")
