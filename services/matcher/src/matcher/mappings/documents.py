"""Mappings, their history and former labels as documents and back; only this knows their fields."""

from matcher.catalogue.items import ItemKind, Labels
from matcher.mappings.models import (
    DecisionOutcome,
    DecisionRecord,
    DecisionRefusal,
    MatchingSettings,
    OutcomeStatus,
    Reservation,
)
from shared.contracts.matcher import MappingDecided, MatchingSettingsChanged
from shared.mongo import Document


def mapping_document(mapping: MappingDecided) -> Document:
    return {"_id": mapping.key, **mapping.model_dump(mode="json")}


def mapping_from(row: Document) -> MappingDecided:
    return MappingDecided.model_validate(row)


def history_document(mapping: MappingDecided) -> Document:
    return {**mapping.model_dump(mode="json"), "_id": history_id(mapping), "key": mapping.key}


def history_id(mapping: MappingDecided) -> str:
    return f"{mapping.key}@{mapping.revision}"


def record_document(record: DecisionRecord) -> Document:
    return {
        "_id": record.id,
        "fingerprint": record.fingerprint,
        "outcomes": [_outcome_document(outcome) for outcome in record.outcomes],
        "at": record.at,
    }


def record_from(row: Document) -> DecisionRecord:
    outcomes = tuple(_outcome_from(outcome) for outcome in row["outcomes"])
    return DecisionRecord(row["_id"], row["fingerprint"], outcomes, row["at"])


def _outcome_document(outcome: DecisionOutcome) -> Document:
    return {
        "status": outcome.status.value,
        "mapping": outcome.mapping.model_dump(mode="json") if outcome.mapping else None,
        "refusal": outcome.refusal.value if outcome.refusal else None,
        "sentence": outcome.sentence,
    }


def _outcome_from(row: Document) -> DecisionOutcome:
    return DecisionOutcome(
        OutcomeStatus(row["status"]),
        mapping_from(row["mapping"]) if row["mapping"] else None,
        DecisionRefusal(row["refusal"]) if row["refusal"] else None,
        row["sentence"],
    )


def reservation_document(reservation: Reservation) -> Document:
    return {
        "plan_id": reservation.plan_id,
        "by": reservation.by,
        "rows": reservation.rows,
        "at": reservation.at,
    }


def reservation_from(row: Document) -> Reservation:
    return Reservation(row["plan_id"], row["by"], row["rows"], row["at"])


def settings_document(told: MatchingSettingsChanged) -> Document:
    return {"_id": told.tenant_id, **told.model_dump(mode="json")}


def settings_from(row: Document | None) -> MatchingSettings:
    return MatchingSettings.of(MatchingSettingsChanged.model_validate(row)) if row else MatchingSettings()


def labels_document(kind: ItemKind, key: str, labels: Labels) -> Document:
    normal = {"normal_names": sorted(labels.normal_names)} if labels.normal_names else {}
    both = {"names": sorted(labels.names), "codes": sorted(labels.codes)}
    return {"_id": labels_id(kind, key), **both, **normal}


def labels_from(row: Document) -> Labels:
    normal_names = frozenset(row.get("normal_names", ()))
    return Labels(frozenset(row["names"]), frozenset(row["codes"]), normal_names)


def labels_id(kind: ItemKind, key: str) -> str:
    return f"{kind}/{key}"
