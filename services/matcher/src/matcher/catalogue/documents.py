"""Items, integrations and inventories as documents and back; only this knows their fields."""

import re
from datetime import datetime

from matcher.catalogue.evidence import evidence_document, evidence_from
from matcher.catalogue.inventory import Inventory
from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, normal_name, part_number
from matcher.catalogue.search import LONG_AGO
from matcher.catalogue.words import item_words
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side, key_of
from shared.contracts.topic_checksum import TopicChecksum
from shared.mongo import Document
from shared.plain_text import sort_text

ITEM_FORM = 4
"""Grows with what is derived from an item's name and code; `item_forms.py` derives it anew."""


def item_document(item: Item) -> Document:
    """Returns the item with the fields by which it is sorted and searched."""
    return {
        "_id": item.key,
        "tenant_id": item.tenant_id,
        "integration_id": item.integration_id,
        "item_id": item.id,
        "name": item.name,
        "code": item.code,
        "part_number": part_number(item),
        **derived_fields(item.kind, item.name, item.code, present=item.present),
        "present": item.present,
        "usable": item.usable,
        "facts": dict(item.facts),
        "evidence": evidence_document(item.evidence),
        "revision": item.revision,
        "first_seen_at": item.first_seen_at or LONG_AGO,
    }


def derived_fields(kind: ItemKind, name: str, code: str | None, *, present: bool) -> Document:
    """Returns what an item is sorted, searched and compared by; what is absent is not found by any word."""
    words, normal = item_words(name, code) if present else [], normal_name(kind, name)
    return {"folded": sort_text(name), "words": words, "normal_name": normal, "form": ITEM_FORM}


def has_word(word: str) -> Document:
    """Returns the filter for present items that have a word with this beginning."""
    # Nothing beside it: so an index of tenant and words finds them by itself, and counts them.
    return {"words": {"$regex": "^" + re.escape(word)}}


def first_seen_at(row: Document) -> datetime:
    """Returns when an item was first seen, long ago for one that was stored before that was noted."""
    seen: datetime = row.get("first_seen_at", LONG_AGO)
    return seen


def item_from(kind: ItemKind, row: Document) -> Item:
    return Item(
        kind=kind,
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        id=row["item_id"],
        name=row["name"],
        revision=row["revision"],
        code=row["code"],
        present=row["present"],
        usable=row["usable"],
        facts=row["facts"],
        evidence=evidence_from(kind.mapping_kind, row.get("evidence")),
        first_seen_at=None if first_seen_at(row) == LONG_AGO else first_seen_at(row),
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


def inventory_document(inventory: Inventory) -> Document:
    return {
        "_id": inventory.key,
        "tenant_id": inventory.tenant_id,
        "integration_id": inventory.integration_id,
        "kind": inventory.kind.value,
        "run_id": inventory.run_id,
        "revision": inventory.revision,
        "stated": inventory.stated.model_dump(),
        "heard_at": inventory.heard_at,
        "verified": inventory.verified,
    }


def inventory_from(row: Document) -> Inventory:
    return Inventory(
        kind=ItemKind(row["kind"]),
        tenant_id=row["tenant_id"],
        integration_id=row["integration_id"],
        run_id=row["run_id"],
        revision=row["revision"],
        stated=TopicChecksum.model_validate(row["stated"]),
        heard_at=row["heard_at"],
        verified=row["verified"],
    )
