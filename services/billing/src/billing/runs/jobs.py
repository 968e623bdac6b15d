"""Time in: runs are carried on, and completions that Redis has forgotten are told again."""

import asyncio
from datetime import timedelta

from billing.runs.run_closer import RunCloser
from billing.runs.sync_completer import SyncCompleter
from shared.runtime.jobs import Job


def closing_job(closing: RunCloser, completing: SyncCompleter, wake: asyncio.Event) -> Job:
    """Runs, from heard to told. Every step starts from what is stored, so it matters not who takes it."""

    async def step() -> bool:
        more = await closing.carry_on()
        await completing.carry_on()
        return more

    return Job("closing", step, timedelta(seconds=1), wake=wake)


def restoring_job(completing: SyncCompleter) -> Job:
    """A flushed Redis knows the last completions again within ten seconds (architecture §8)."""
    return Job("restoring", completing.restore, timedelta(seconds=5))
