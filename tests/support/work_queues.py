"""Work queues at a fixed time, and what is due in them."""

from datetime import UTC, datetime

from shared.mongo import Mongo
from shared.work_queue import WorkItem, WorkQueue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_queue(mongo: Mongo, *, keys_per_item: int = 250) -> WorkQueue:
    return WorkQueue(mongo, keys_per_item=keys_per_item, clock=lambda: NOW)


async def due_keys(queue: WorkQueue, at: datetime = NOW, lane: str | None = None) -> list[tuple[str, ...]]:
    """The keys of each due item of tenant `t`, oldest first."""
    return [item.keys for item in await queue.read_due("t", limit=100, now=at, lane=lane)]


def ids(items: list[WorkItem]) -> list[str]:
    return [item.id for item in items]
