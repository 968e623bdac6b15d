"""How plans and their rows are shown to people."""

from pydantic import AwareDatetime, BaseModel, ConfigDict

from matcher.mapping_plans.end_names import EndNames, ItemRef
from matcher.mapping_plans.models import (
    MappingPlan,
    PlanApplication,
    PlanRow,
    PlanSource,
    PlanState,
    RowOutcome,
    StandingDecision,
    WantedDecision,
)
from shared.contracts.base import Side
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import (
    MappingDecision,
    MappingKind,
    MappingMethod,
    ReplacedDecision,
)
from shared.web.openapi import ProblemDocument


def psa_ref(
    decision: ReplacedDecision | WantedDecision | StandingDecision, kind: MappingKind | None
) -> ItemRef:
    """Returns the PSA item that a decision is about."""
    if isinstance(decision, WantedDecision):
        target = decision.target
        return (
            ItemRef(kind, Side.PSA, target.integration_id, target.id)
            if target
            else ItemRef(kind, Side.PSA, None, None)
        )
    return ItemRef(kind, Side.PSA, decision.psa_integration_id, decision.psa_id)


def row_refs(row: PlanRow) -> list[ItemRef]:
    """Returns every item whose name the answer about a row shows."""
    ends = [psa_ref(one, row.kind) for one in (row.standing, row.wanted) if one]
    return [ItemRef(row.kind, Side.VENDOR, row.vendor_integration_id, row.vendor_id), *ends]


class ShownDecision(BaseModel):
    """A decision, with the present name of its PSA item."""

    decision: MappingDecision
    method: MappingMethod
    psa_integration_id: str | None
    psa_id: str | None
    psa_name: str | None
    reason: str | None
    rules: MappingRules | None = None

    @classmethod
    def of(
        cls, decision: ReplacedDecision | WantedDecision, kind: MappingKind | None, names: EndNames
    ) -> "ShownDecision":
        ref = psa_ref(decision, kind)
        return cls(
            decision=decision.decision,
            method=decision.method,
            psa_integration_id=ref.integration_id,
            psa_id=ref.id,
            psa_name=names.of(ref),
            reason=decision.reason,
            rules=decision.rules,
        )


class StandingResponse(ShownDecision):
    """What stands on a vendor item, and who decided it."""

    revision: int
    decided_by: str
    decided_at: AwareDatetime

    @classmethod
    def of_row(
        cls, standing: StandingDecision, kind: MappingKind | None, names: EndNames
    ) -> "StandingResponse":
        fields = {name: getattr(standing, name) for name in standing.__dataclass_fields__}
        return cls(**fields, psa_name=names.of(psa_ref(standing, kind)))


class PlanRowResponse(BaseModel):
    """One row of a plan: what stands, what is to stand, or why it cannot."""

    row: int
    outcome: RowOutcome
    kind: MappingKind | None
    vendor_integration_id: str | None
    vendor_id: str | None
    vendor_name: str | None
    standing: StandingResponse | None
    """None when nothing was ever decided."""
    becomes: ShownDecision | None
    sentence: str | None
    """The error, or what the row rests on."""

    @classmethod
    def of(cls, row: PlanRow, names: EndNames) -> "PlanRowResponse":
        shown = {
            name: getattr(row, name)
            for name in ("outcome", "kind", "vendor_integration_id", "vendor_id", "sentence")
        }
        return cls(
            **shown,
            row=row.number,
            vendor_name=names.of(ItemRef(row.kind, Side.VENDOR, row.vendor_integration_id, row.vendor_id)),
            standing=StandingResponse.of_row(row.standing, row.kind, names) if row.standing else None,
            becomes=ShownDecision.of(row.wanted, row.kind, names) if row.wanted else None,
        )


class ApplicationResponse(BaseModel):
    """Who applies a plan, and how far it is applied."""

    by: str
    begun_at: AwareDatetime
    finished_at: AwareDatetime | None
    rows: int
    """How many mappings change."""
    decided: int
    """How many have changed so far."""
    except_rows: tuple[int, ...]
    overtaken_rows: tuple[int, ...]
    """Rows that a restored database had decided otherwise: that stays."""

    @classmethod
    def of(cls, application: PlanApplication) -> "ApplicationResponse":
        return cls(
            by=application.by,
            begun_at=application.begun_at,
            finished_at=application.finished_at,
            rows=application.rows,
            decided=application.decided,
            except_rows=tuple(sorted(application.except_rows)),
            overtaken_rows=application.overtaken,
        )


class KindEffect(BaseModel):
    """What applying a plan does to one kind of item."""

    kind: MappingKind | None
    """None for rows that name no kind."""
    counts: dict[RowOutcome, int]


class PlanResponse(BaseModel):
    """A plan: what it would change, and how far it is applied."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "plan_00064b1e8c9a2f7d31c5aa",
                    "source": "import",
                    "title": "imported from mappings.csv",
                    "state": "ready",
                    "complete": False,
                    "created_by": "per_maria",
                    "created_at": "2026-11-30T08:15:30Z",
                    "digest": "0f" * 32,
                    "applicable": 2,
                    "counts": {"new": 1, "changed": 1, "revoked": 0, "unchanged": 8, "open": 0, "error": 1},
                    "effect": [{"kind": "account", "counts": {"new": 1, "changed": 1, "unchanged": 8}}],
                    "application": None,
                }
            ]
        }
    )

    id: str
    source: PlanSource
    title: str
    state: PlanState
    complete: bool
    """Whether what its file does not name is revoked."""
    created_by: str
    created_at: AwareDatetime
    digest: str
    applicable: int
    """How many mappings change when no row is left out."""
    counts: dict[RowOutcome, int]
    effect: tuple[KindEffect, ...]
    """The counts by kind of item."""
    application: ApplicationResponse | None
    """None until somebody applies it."""

    @classmethod
    def of(cls, plan: MappingPlan) -> "PlanResponse":
        return cls.model_validate(_plan_fields(plan))


class PlanPage(PlanResponse):
    """A plan with a page of its rows; `next` is the `after` of the following page."""

    rows: tuple[PlanRowResponse, ...]
    next: str | None

    @classmethod
    def with_rows(
        cls, plan: MappingPlan, rows: tuple[PlanRowResponse, ...], following: str | None
    ) -> "PlanPage":
        return cls.model_validate({**_plan_fields(plan), "rows": rows, "next": following})


def _plan_fields(plan: MappingPlan) -> dict[str, object]:
    names = ("id", "source", "title", "state", "created_by", "created_at", "digest")
    return {
        **{name: getattr(plan, name) for name in names},
        "complete": plan.is_complete,
        "applicable": plan.counts.applicable,
        "counts": plan.counts.by_outcome,
        "effect": [{"kind": kind, "counts": dict(counts)} for kind, counts in plan.counts.by_kind.items()],
        "application": ApplicationResponse.of(plan.application) if plan.application else None,
    }


class OutdatedRow(BaseModel):
    """A row whose ground has changed, and how."""

    row: int
    sentence: str


class PlanConflict(ProblemDocument):
    """Why a plan was not applied; nothing of it was."""

    rows: tuple[OutdatedRow, ...] = ()
    """Those whose ground has changed, the first hundred."""
