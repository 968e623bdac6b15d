"""The catalogue's collections (one for each kind of item, integrations, inventories) and their indexes."""

from matcher.catalogue.items import ItemKind
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
    Index(INTEGRATIONS, [("tenant_id", 1)]),
    Index(INVENTORIES, [("verified", 1)]),
    Index(INVENTORIES, [("tenant_id", 1), ("kind", 1)]),
)
