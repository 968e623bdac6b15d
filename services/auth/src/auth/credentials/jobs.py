"""Time in: credentials move to the current sealing key, one batch per step."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.runtime.jobs import Job


def rewrap_job(rewrap_batch: Callable[[], Awaitable[bool]]) -> Job:
    """Looks every ten minutes for credentials under an older key; that key may be dropped once none is left.

    `rewrap_batch` tells whether more may be waiting, and the job then runs again at once.
    """
    return Job("rewrap", rewrap_batch, timedelta(minutes=10))
