"""Queues lines that time alone may have changed."""

import asyncio
from datetime import timedelta

from billing.usage.recalculation_queue import RecalculationQueue
from billing.usage.repository import UsageLineRepository
from shared.runtime.clock import utc_now
from shared.runtime.jobs import Job

_LINES_PER_STEP = 1000


def rechecking_job(lines: UsageLineRepository, queue: RecalculationQueue, wake: asyncio.Event) -> Job:
    """Queues the accounts of lines whose moment has come: an agreement line opens or ends, a number ages."""

    async def step() -> bool:
        due = await lines.due_accounts(utc_now(), _LINES_PER_STEP)
        for tenant_id, accounts in due.items():
            await queue.enqueue_refs(tenant_id, accounts)
        if due:
            wake.set()
        # The same lines stay due until they are reconciled: asking again at once would only queue them twice.
        return False

    return Job("rechecking", step, timedelta(seconds=10))
