"""A durable queue of things that must be worked on again."""

from shared.work_queue.item import WorkItem
from shared.work_queue.queue import WORK_QUEUE_INDEXES, WorkQueue, work_queue_indexes

__all__ = ["WORK_QUEUE_INDEXES", "WorkItem", "WorkQueue", "work_queue_indexes"]
