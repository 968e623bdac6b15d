"""The collections of plans and versions, and an index for each query; rows go with their time."""

from datetime import timedelta

from matcher.catalogue.items import ItemKind
from matcher.mappings.indexes import MAPPINGS
from shared.mongo import Index

PLANS = "mapping_plans"
PLAN_ROWS = "mapping_plan_rows"
VERSIONS = "mapping_versions"

_PLAN_LIFE = timedelta(days=90)
"""As long as an idempotency key is known; what was decided stays in the history for ever."""

PLAN_INDEXES = (
    Index(PLANS, [("created_at", 1)], ttl=_PLAN_LIFE),
    Index(PLANS, [("state", 1)]),
    Index(PLAN_ROWS, [("at", 1)], ttl=_PLAN_LIFE),
    Index(PLAN_ROWS, [("tenant_id", 1), ("plan_id", 1), ("outcome", 1), ("number", 1)]),
    Index(PLAN_ROWS, [("tenant_id", 1), ("plan_id", 1), ("number", 1)]),
    Index(VERSIONS, [("tenant_id", 1), ("at", -1), ("_id", 1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("revision", -1)]),
    Index(MAPPINGS, [("tenant_id", 1), ("psa_provider", 1), ("psa_realm", 1), ("_id", 1)]),
    # A file may name an item by its code, which is no part number where it is an account's.
    *(Index(kind, [("tenant_id", 1), ("code", 1)]) for kind in ItemKind),
)
