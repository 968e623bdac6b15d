"""The job that judges runs."""

from datetime import timedelta

from billing.feeds.service import FeedBreaker
from shared.runtime.jobs import Job


def judging_job(breaker: FeedBreaker) -> Job:
    """Judges a run at most every few seconds: each look takes all lines of its integration."""
    return Job("judging runs", breaker.step, timedelta(seconds=5))
