"""Time in: credentials move to the current sealing key, a few at a time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from shared.runtime.jobs import Job


def rewrapping_job(rewrap: Callable[[], Awaitable[bool]]) -> Job:
    """After a new key was made current, the old one may go once nothing is wrapped with it."""
    return Job("rewrap", rewrap, timedelta(minutes=10))
