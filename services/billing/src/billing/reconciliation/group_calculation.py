"""Calculates account groups without holding up everybody else."""

# A calculation is pure and does not wait, so nothing else of the process runs meanwhile: a group of some
# thousand rows takes as long as a request may, one of 50,000 longer than a lease may go without renewal on a
# slow machine. So large groups are calculated in a thread, which lets the event loop have its turns.

import asyncio
from datetime import datetime

from billing.usage.account_group import AccountGroup
from billing.usage.calculate import calculate
from billing.usage.usage_line import UsageLine

_LARGE = 2_000
"""Rows; about 50 ms."""


async def calculate_group(group: AccountGroup, now: datetime) -> list[UsageLine]:
    """The lines of a group as of `now`; requests and consumers run in between."""
    if group.row_count >= _LARGE:
        return await asyncio.to_thread(calculate, group, now)
    lines = calculate(group, now)
    await asyncio.sleep(0)
    return lines
