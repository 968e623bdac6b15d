"""The job that lets manifests take effect."""

import asyncio
from datetime import timedelta

from billing.observations.manifest_applier import ManifestApplier
from shared.runtime.jobs import Job


def applying_job(applier: ManifestApplier, wake: asyncio.Event) -> Job:
    """Applies what is due, on every replica: two that meet conflict, and one of them starts over."""
    return Job("applying manifests", applier.step, timedelta(milliseconds=250), wake=wake)
