"""The collections of mappings, and an index for each query."""

from shared.mongo import Index

MAPPINGS = "mappings"
LABELS = "labels"
"""Under which labels each item was compared last."""
UNDECIDED = "undecided"
"""By kind of item and vendor integration: something could not be decided, for not all was settled."""
TURNS = "turns"
"""One row for each tenant, which every unit of work writes: the tenant's lock."""

MAPPING_INDEXES = (
    Index(UNDECIDED, [("tenant_id", 1), ("kind", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("vendor_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("psa_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("decision", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("vendor_integration_id", 1), ("decision", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("_id", 1)]),
)
