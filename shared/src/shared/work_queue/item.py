"""The unit of a work queue: some keys of one tenant, and the lane that they wait in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Names things that must be worked on again, and stays in the queue until they have been."""

    id: str
    tenant_id: str
    lane: str
    """Items that are worked on in the same way wait in the same lane; the queue's owner names the lanes."""
    keys: tuple[str, ...]
    enqueued_at: datetime
    details: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What else the worker must know of a key, by key; a key without details is left out."""
