"""The collections' names, and an index for every question asked of them."""

from matcher.catalogue.items import ItemKind
from shared.mongo import Index
from shared.outbox import OUTBOX_INDEXES

INTEGRATIONS = "integrations"
MAPPINGS = "mappings"
MARKS = "marks"
LABELS = "labels"
FINISHES = "finishes"
TURNS = "turns"

_WITH_PART_NUMBERS = (ItemKind.VENDOR_SERVICES, ItemKind.PSA_PRODUCTS)

INDEXES = (
    *OUTBOX_INDEXES,
    *(Index(shelf, [("tenant_id", 1), ("name", 1)]) for shelf in ItemKind),
    *(Index(shelf, [("tenant_id", 1), ("part_number", 1)]) for shelf in _WITH_PART_NUMBERS),
    *(Index(shelf, [("tenant_id", 1), ("folded", 1), ("_id", 1)]) for shelf in ItemKind),
    *(
        Index(shelf, [("tenant_id", 1), ("integration_id", 1), ("folded", 1), ("_id", 1)])
        for shelf in ItemKind
    ),
    Index(INTEGRATIONS, [("tenant_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("vendor_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("psa_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("decision", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("vendor_integration_id", 1), ("decision", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("_id", 1)]),
    Index(MARKS, [("tenant_id", 1), ("_id", 1)]),
    Index(FINISHES, [("tenant_id", 1), ("event.vendor_integration_id", 1)]),
)
