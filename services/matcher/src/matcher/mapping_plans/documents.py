"""Plans, their rows and versions as documents and back; only this knows their fields."""

from dataclasses import asdict
from datetime import datetime

from matcher.mapping_plans.models import (
    MappingPlan,
    PlanApplication,
    PlanCounts,
    PlanRow,
    PlanSource,
    PlanState,
    RowOutcome,
    StandingDecision,
    WantedDecision,
)
from matcher.mapping_plans.version_models import MappingVersion, VersionOrigin
from matcher.mappings.models import PsaItemRef
from shared.contracts.mapping_rules import MappingRules
from shared.contracts.matcher import MappingDecision, MappingKind, MappingMethod
from shared.mongo import Document

_PLAIN = (
    "id",
    "title",
    "created_by",
    "created_at",
    "digest",
    "is_complete",
)


def plan_document(plan: MappingPlan) -> Document:
    application = asdict(plan.application) if plan.application else None
    if application:
        application["except_rows"] = sorted(application["except_rows"])
    return {
        "_id": plan.id,
        **{name: getattr(plan, name) for name in _PLAIN},
        "source": plan.source.value,
        "state": plan.state.value,
        "counts": [
            {"kind": kind.value if kind else None, "outcome": outcome.value, "count": count}
            for kind, counts in plan.counts.by_kind.items()
            for outcome, count in counts.items()
        ],
        "application": application,
    }


def plan_from(row: Document) -> MappingPlan:
    by_kind: dict[MappingKind | None, dict[RowOutcome, int]] = {}
    for one in row["counts"]:
        kind = MappingKind(one["kind"]) if one["kind"] else None
        by_kind.setdefault(kind, {})[RowOutcome(one["outcome"])] = one["count"]
    return MappingPlan(
        **{name: row[name] for name in _PLAIN},
        tenant_id=row["tenant_id"],
        source=PlanSource(row["source"]),
        counts=PlanCounts(by_kind),
        state=PlanState(row["state"]),
        application=_application_from(row["application"]) if row["application"] else None,
    )


def _application_from(row: Document) -> PlanApplication:
    sets = {"except_rows": frozenset(row["except_rows"]), "overtaken": tuple(row["overtaken"])}
    return PlanApplication(**row | sets)


def row_id(plan_id: str, number: int) -> str:
    return f"{plan_id}/{number}"


def row_document(plan_id: str, row: PlanRow, at: datetime) -> Document:
    wanted = row.wanted
    return {
        "_id": row_id(plan_id, row.number),
        "plan_id": plan_id,
        "number": row.number,
        "outcome": row.outcome.value,
        "kind": row.kind.value if row.kind else None,
        "vendor_integration_id": row.vendor_integration_id,
        "vendor_id": row.vendor_id,
        "key": row.key,
        "standing": {name: _plain(value) for name, value in asdict(row.standing).items()}
        if row.standing
        else None,
        "wanted": {
            "decision": wanted.decision.value,
            "method": wanted.method.value,
            "psa_integration_id": wanted.target.integration_id if wanted.target else None,
            "psa_id": wanted.target.id if wanted.target else None,
            "reason": wanted.reason,
            "rules": _plain(wanted.rules),
        }
        if wanted
        else None,
        "sentence": row.sentence,
        "at": at,
    }


def row_from(row: Document) -> PlanRow:
    standing, wanted = row["standing"], row["wanted"]
    return PlanRow(
        number=row["number"],
        outcome=RowOutcome(row["outcome"]),
        kind=MappingKind(row["kind"]) if row["kind"] else None,
        vendor_integration_id=row["vendor_integration_id"],
        vendor_id=row["vendor_id"],
        key=row["key"],
        standing=_standing_from(standing) if standing else None,
        wanted=_wanted_from(wanted) if wanted else None,
        sentence=row["sentence"],
    )


def _standing_from(row: Document) -> StandingDecision:
    return StandingDecision(**row | _enums(row) | {"rules": _rules_from(row)})


def _rules_from(row: Document) -> MappingRules | None:
    rules = row.get("rules")
    return MappingRules.model_validate(rules) if rules else None


def _wanted_from(row: Document) -> WantedDecision:
    target = PsaItemRef(row["psa_integration_id"], row["psa_id"]) if row["psa_id"] else None
    return WantedDecision(**_enums(row), target=target, reason=row["reason"], rules=_rules_from(row))


def _enums(row: Document) -> Document:
    return {"decision": MappingDecision(row["decision"]), "method": MappingMethod(row["method"])}


def _plain(value: object) -> object:
    if isinstance(value, MappingRules):
        return value.model_dump(mode="json")
    return value.value if isinstance(value, MappingDecision | MappingMethod) else value


def version_document(version: MappingVersion) -> Document:
    return {
        "_id": version.id,
        "name": version.name,
        "origin": version.origin.value,
        "cut": version.cut,
        "at": version.at,
        "by": version.by,
        "plan_id": version.plan_id,
    }


def version_from(row: Document) -> MappingVersion:
    return MappingVersion(
        id=row["_id"],
        tenant_id=row["tenant_id"],
        name=row["name"],
        origin=VersionOrigin(row["origin"]),
        cut=row["cut"],
        at=row["at"],
        by=row["by"],
        plan_id=row["plan_id"],
    )
