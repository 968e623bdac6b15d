"""Time in: what time alone may have changed is looked at again."""

import asyncio
from datetime import UTC, datetime, timedelta

from billing.reconciliation.work_queue import WorkQueue
from billing.usage.repository import UsageLineRepository
from shared.runtime.jobs import Job

_DUE_AT_ONCE = 1000


def rechecking_job(lines: UsageLineRepository, touched: WorkQueue, wake: asyncio.Event) -> Job:
    """Marks lines whose day has come: an agreement line opens or ends, a number becomes stale."""

    async def step() -> bool:
        due = await lines.due(datetime.now(UTC), _DUE_AT_ONCE)
        for tenant_id, scopes in due.items():
            await touched.mark(tenant_id, dict.fromkeys(scopes, ()))
        if due:
            wake.set()
        return False

    return Job("rechecking", step, timedelta(seconds=10))
