"""The jobs of the feed breaker: one carries out how holds end, one shows them."""

from datetime import timedelta

from billing.feeds.service import FeedBreaker
from shared.runtime.jobs import Job

_EVERY = timedelta(seconds=5)
"""So that a flushed Redis knows within ten seconds again what is held (architecture §8)."""


def feed_jobs(breaker: FeedBreaker) -> tuple[Job, Job]:
    """Returns two jobs, for while Redis is away holds end all the same."""
    return Job("ending holds", breaker.step, _EVERY), Job("showing holds", breaker.show, _EVERY)
