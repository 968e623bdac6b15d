"""Time in: matching starts when something was marked, and looks by itself in case it was not told."""

import asyncio
from datetime import timedelta

from matcher.mappings.exact_matcher import ExactMatcher
from shared.runtime.jobs import Job

_LOOK = timedelta(seconds=1)


def matching_job(matching: ExactMatcher, wake: asyncio.Event) -> Job:
    return Job("matching", matching.step, _LOOK, wake=wake)
