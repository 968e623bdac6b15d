"""Mappings and former labels as documents and back; the only place that knows these documents' fields."""

from matcher.catalogue.items import ItemKind, Labels
from shared.contracts.matcher import MappingDecided
from shared.mongo import Document


def mapping_document(mapping: MappingDecided) -> Document:
    return {"_id": mapping.key, **mapping.model_dump(mode="json")}


def mapping_from(row: Document) -> MappingDecided:
    return MappingDecided.model_validate(row)


def labels_document(kind: ItemKind, key: str, labels: Labels) -> Document:
    return {"_id": labels_id(kind, key), "names": sorted(labels.names), "codes": sorted(labels.codes)}


def labels_from(row: Document) -> Labels:
    return Labels(frozenset(row["names"]), frozenset(row["codes"]))


def labels_id(kind: ItemKind, key: str) -> str:
    return f"{kind}/{key}"
