"""Marks: what must be reconciled again."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Refs that news came for; it stays until the lines they lead to are stored."""

    id: str
    tenant_id: str
    refs: tuple[str, ...]
    at: datetime
