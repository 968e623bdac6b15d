"""A sync: the runs that one request asked for."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.base import RunKind


@dataclass(frozen=True, slots=True)
class Sync:
    """What was asked for, by whom, of which integrations."""

    tenant_id: str
    sync_id: str
    integration_ids: tuple[str, ...]
    kind: RunKind
    asked_by: str
    requested_at: datetime
