"""Time in: matching starts when something was marked, and looks by itself in case it was not told."""

import asyncio
from datetime import timedelta

from matcher.service.matching import Matching
from shared.jobs import Job

_LOOK = timedelta(seconds=1)


def matching_job(matching: Matching, wake: asyncio.Event) -> Job:
    return Job("matching", matching.step, _LOOK, wake=wake)
