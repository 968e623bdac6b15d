"""What is answered about usage lines and runs, and how: numbers as exact decimal strings."""

from typing import Self

from fastapi import Response
from pydantic import AwareDatetime, BaseModel, Field

from billing.runs.models import RunStage
from billing.usage.totals import Totals
from billing.usage.usage_line import Evidence, LineNames, UsageLine
from shared.contracts.base import ContractModel, Number, Outcome, RunKind
from shared.contracts.billing import Count, LineClass, MoneyEffect


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
    seal: str = Field(description="Send it with the decision; another seal then means the line has changed.")
    changed_at: AwareDatetime
    in_flight: str | None = Field(None, description="The approval that is being written now.")

    @classmethod
    def of(cls, line: UsageLine, in_flight: str | None = None) -> Self:
        shown = cls.model_validate(line, from_attributes=True)
        return shown.model_copy(update={"in_flight": in_flight}) if in_flight else shown


class RunResponse(ContractModel):
    """A run as people see it."""

    run_id: str
    integration_id: str
    sync_ids: tuple[str, ...]
    kind: RunKind
    outcome: Outcome = Field(description="What the sync service said.")
    reason: str | None = None
    counts: dict[str, int]
    coverage: Number
    started_at: AwareDatetime
    finished_at: AwareDatetime
    state: RunStage
    verdict: Outcome | None = Field(None, description="What it is to billing; none until it is closed.")
    closed_at: AwareDatetime | None = None
    reconciled_at: AwareDatetime | None = None
    totals: Totals | None = None


def json(model: BaseModel, *, status: int = 200) -> Response:
    """The model's own JSON, written once."""
    return Response(model.model_dump_json(), status, media_type="application/json")
