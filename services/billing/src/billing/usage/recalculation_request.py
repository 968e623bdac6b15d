"""A request to calculate lines again, and the lanes that requests wait in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from billing.usage.ref import Ref

ACCOUNTS = "accounts"
"""Requests that name accounts: these are calculated."""
FAN_OUT = "fan-out"
"""Requests that name services, products and integrations: these are expanded to accounts first."""
ARRIVALS = "arrivals"
"""Requests that name accounts of which newer news has come than counts: these are only noted."""


@dataclass(frozen=True, slots=True)
class RecalculationRequest:
    """Names what must be calculated again; it stays queued until the lines that it leads to are stored."""

    id: str
    refs: tuple[Ref, ...]
    arriving: Mapping[Ref, int]
    """The revision of the newest news that waits for a manifest, by account."""
    enqueued_at: datetime
