"""The catalogue's collections (one for each kind of item, integrations, inventories) and their indexes."""

from matcher.catalogue.items import VENDOR_KINDS, ItemKind
from matcher.catalogue.missing_items import MISSING_ITEMS
from shared.mongo import Index

INTEGRATIONS = "integrations"
INVENTORIES = "inventories"
"""By kind of item and integration: what the newest complete run says there is."""

CATALOGUE_INDEXES = (
    *(Index(kind, [("tenant_id", 1), ("name", 1)]) for kind in ItemKind),
    *(Index(kind, [("tenant_id", 1), ("normal_name", 1)]) for kind in ItemKind),
    # Accounts have no part number.
    *(
        Index(kind, [("tenant_id", 1), ("part_number", 1)])
        for kind in (ItemKind.VENDOR_SERVICES, ItemKind.PSA_PRODUCTS)
    ),
    *(Index(kind, [("tenant_id", 1), ("present", 1), ("folded", 1), ("_id", 1)]) for kind in ItemKind),
    *(
        Index(kind, [("tenant_id", 1), ("integration_id", 1), ("present", 1), ("folded", 1), ("_id", 1)])
        for kind in ItemKind
    ),
    *(Index(kind, [("tenant_id", 1), ("present", 1), ("first_seen_at", 1), ("_id", 1)]) for kind in ItemKind),
    *(Index(kind, [("tenant_id", 1), ("words", 1)]) for kind in ItemKind),
    *(Index(kind, [("tenant_id", 1), ("integration_id", 1), ("revision", 1)]) for kind in ItemKind),
    # Counts of what is usable, and of what is new of one vendor (`finishing/progress_counts.py`).
    *(
        Index(
            kind,
            [("tenant_id", 1), ("present", 1), ("usable", 1), ("integration_id", 1), ("first_seen_at", 1)],
        )
        for kind in VENDOR_KINDS.values()
    ),
    Index(MISSING_ITEMS, [("tenant_id", 1), ("kind", 1)]),
    Index(INTEGRATIONS, [("tenant_id", 1)]),
    Index(INVENTORIES, [("verified", 1)]),
    Index(INVENTORIES, [("tenant_id", 1), ("kind", 1)]),
)
