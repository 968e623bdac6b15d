"""The collections of mappings, and an index for each query."""

from datetime import timedelta

from shared.mongo import Index

MAPPINGS = "mappings"
HISTORY = "mapping_history"
"""Every decision that another one has replaced."""
RECORDS = "decision_records"
"""By idempotency key, what came of a request."""
PLANS = "acceptance_plans"
"""By idempotency key, what a request to accept many proposals came to when it was made."""
LABELS = "labels"
"""Under which labels each item was compared last."""
UNDECIDED = "undecided"
"""By kind of item and vendor integration: something could not be decided, for not all was settled."""
SETTINGS = "matching_settings"
"""By tenant, how items are mapped by themselves; none where that was never changed."""
TURNS = "turns"
"""One row for each tenant, which every unit of work writes: the tenant's lock."""

_RECORD_LIFE = timedelta(days=90)
"""A key that is sent again after this time decides anew."""

MAPPING_INDEXES = (
    Index(HISTORY, [("tenant_id", 1), ("key", 1), ("revision", -1)]),
    Index(RECORDS, [("at", 1)], ttl=_RECORD_LIFE),
    Index(PLANS, [("at", 1)], ttl=_RECORD_LIFE),
    Index(UNDECIDED, [("tenant_id", 1), ("kind", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("vendor_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("kind", 1), ("psa_id", 1)]),
    # Decisions are counted by how they came about, and to which PSA (`finishing/progress_counts.py`).
    Index(
        MAPPINGS,
        [("tenant_id", 1), ("kind", 1), ("decision", 1), ("method", 1), ("psa_integration_id", 1)],
    ),
    Index(
        MAPPINGS,
        [
            ("tenant_id", 1),
            ("vendor_integration_id", 1),
            ("decision", 1),
            ("kind", 1),
            ("method", 1),
            ("psa_integration_id", 1),
        ],
    ),
    Index(MAPPINGS, [("tenant_id", 1), ("_id", 1)]),
    # Small, for few services are part of a bundle.
    Index(
        MAPPINGS,
        [("tenant_id", 1), ("rules.included_in", 1)],
        where={"rules.included_in": {"$type": "string"}},
    ),
)
