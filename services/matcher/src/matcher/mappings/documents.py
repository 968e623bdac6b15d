"""Models as documents and back; the only place that knows the documents' fields."""

import time
from collections.abc import Sequence
from secrets import token_hex

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels, MatchWork, part_number
from matcher.catalogue.search import folded
from matcher.mappings.ports import FinishRecord
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side, key_of
from shared.contracts.matcher import MappingDecided, MappingFinished
from shared.mongo import Document


def item_document(item: Item) -> Document:
    """With what it is sorted and searched by, in lower case."""
    return {
        "_id": item.key,
        "tenant_id": item.tenant_id,
        "integration_id": item.integration_id,
        "item_id": item.id,
        "name": item.name,
        "code": item.code,
        "part_number": part_number(item),
        "folded": folded(item.name),
        # A line break, which no search can hold, keeps a match from spanning both.
        "searched": folded(f"{item.name}\n{item.code or ''}"),
        "present": item.present,
        "usable": item.usable,
        "facts": dict(item.facts),
        "revision": item.revision,
    }


def item_from(shelf: ItemKind, row: Document) -> Item:
    return Item(
        shelf=shelf,
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        id=row["item_id"],
        name=row["name"],
        revision=row["revision"],
        code=row["code"],
        present=row["present"],
        usable=row["usable"],
        facts=row["facts"],
    )


def integration_document(integration: IntegrationInfo) -> Document:
    return {
        "_id": key_of(integration.tenant_id, integration.integration_id),
        "tenant_id": integration.tenant_id,
        "integration_id": integration.integration_id,
        "side": integration.side.value,
        "provider": integration.provider,
        "realm": integration.realm,
        "name": integration.name,
        "status": integration.status.value,
        "generation": integration.generation,
        "revision": integration.revision,
    }


def integration_from(row: Document) -> IntegrationInfo:
    return IntegrationInfo(
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        side=Side(row["side"]),
        provider=row["provider"],
        realm=row["realm"],
        name=row["name"],
        status=IntegrationStatus(row["status"]),
        generation=row["generation"],
        revision=row["revision"],
    )


def mapping_document(mapping: MappingDecided) -> Document:
    return {"_id": mapping.key, **mapping.model_dump(mode="json")}


def mapping_from(row: Document) -> MappingDecided:
    return MappingDecided.model_validate(row)


def mark_rows(marks: Sequence[MatchWork]) -> list[Document]:
    """Oldest first by id; only ever added and removed, never changed, so that no writer loses another's."""
    now = time.time_ns()
    return [
        _mark_document(mark, f"{now:020d}-{place:04d}-{token_hex(4)}") for place, mark in enumerate(marks)
    ]


def mark_from(row: Document) -> MatchWork:
    return MatchWork(ItemKind(row["shelf"]), tuple(row["keys"]), row["whole"], row["_id"])


def labels_document(shelf: ItemKind, key: str, labels: Labels) -> Document:
    return {"_id": labels_id(shelf, key), "names": sorted(labels.names), "codes": sorted(labels.codes)}


def labels_from(row: Document) -> Labels:
    return Labels(frozenset(row["names"]), frozenset(row["codes"]))


def labels_id(shelf: ItemKind, key: str) -> str:
    return f"{shelf}/{key}"


def finish_document(finish: FinishRecord, id_: str) -> Document:
    return {"_id": id_, "finish": finish.id, "event": finish.event.model_dump(mode="json")}


def finish_from(row: Document) -> FinishRecord:
    return FinishRecord(row["finish"], MappingFinished.model_validate(row["event"]))


def _mark_document(mark: MatchWork, id_: str) -> Document:
    return {"_id": id_, "shelf": mark.shelf.value, "keys": list(mark.keys), "whole": mark.integration_id}
