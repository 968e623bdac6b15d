"""The unit of a work queue: keys of one tenant, and the lane in which they wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Names things that must be worked on again; the queue holds the item until their result is stored."""

    id: str
    tenant_id: str
    lane: str
    """Items that are worked on in the same way share a lane; each service names its own lanes."""
    keys: tuple[str, ...]
    """Sorted, each key once."""
    enqueued_at: datetime
    """The moment of the news, in UTC and whole milliseconds; a requeued key keeps the moment of its news."""
    details: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What else the worker must know of a key; a key without details is left out."""
