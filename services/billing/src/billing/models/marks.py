"""Marks: what must be reconciled again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Refs that news came for; it stays until the lines they lead to are stored."""

    id: str
    tenant_id: str
    touched: Mapping[str, Sequence[str]]
    """By ref: the keys of the subscriptions that were told of under it."""
    at: datetime
