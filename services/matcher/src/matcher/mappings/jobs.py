"""Time in: starts exact matching when woken by the ingestor, and by the clock for other replicas' news."""

import asyncio
from datetime import timedelta

from matcher.mappings.exact_matcher import ExactMatcher
from shared.runtime.jobs import Job

_INTERVAL = timedelta(seconds=1)


def matching_job(matcher: ExactMatcher, wake: asyncio.Event) -> Job:
    return Job("matching", matcher.process_next, _INTERVAL, wake=wake)
