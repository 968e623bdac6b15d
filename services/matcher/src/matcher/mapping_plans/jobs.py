"""Time in: goes on with the plans that are being applied, those of a killed replica too."""

import asyncio
from datetime import timedelta

from matcher.mapping_plans.application import PlanApplier
from shared.runtime.jobs import Job

_INTERVAL = timedelta(seconds=1)


def plan_job(applier: PlanApplier) -> Job:
    return Job("mapping-plans", applier.process_next, _INTERVAL, wake=asyncio.Event())
