"""Time in: looks for settled inventories and matches, when woken by news, and by the clock for others'."""

import asyncio
from datetime import timedelta

from matcher.mappings.exact_matcher import ExactMatcher
from matcher.mappings.inventory_check import InventoryCheck
from shared.runtime.jobs import Job

_INTERVAL = timedelta(seconds=1)


def matching_job(check: InventoryCheck, matcher: ExactMatcher, wake: asyncio.Event) -> Job:
    async def check_and_match() -> bool:
        await check.check_next()
        return await matcher.process_next()

    return Job("matching", check_and_match, _INTERVAL, wake=wake)
