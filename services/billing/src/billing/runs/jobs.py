"""The jobs of this feature: one carries runs on, one repeats completions that Redis has forgotten."""

import asyncio
from datetime import timedelta

from billing.runs.run_closer import RunCloser
from billing.runs.sync_completer import SyncCompleter
from shared.runtime.jobs import Job


def closing_job(closer: RunCloser, completer: SyncCompleter, wake: asyncio.Event) -> Job:
    """Carries runs from received to broadcast.

    Every step starts from what is stored and may be repeated, so it does not matter which replica takes it.
    """

    async def step() -> bool:
        more = await closer.advance()
        await completer.advance()
        return more

    return Job("closing", step, timedelta(seconds=1), wake=wake)


def restoring_job(completer: SyncCompleter) -> Job:
    """A flushed Redis knows the last completions again within ten seconds (architecture §8)."""
    return Job("restoring", completer.restore, timedelta(seconds=5))
