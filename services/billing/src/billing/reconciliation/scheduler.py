"""Chooses which tenant the reconciler works on next."""

# Tenants are served round-robin, so that a large one keeps nobody waiting. A tenant whose last pass took long
# rests for as long (at most 5 s), so that news which arrives meanwhile is reconciled once. A short pass is
# followed by a short rest, so a change that comes alone is on the screen at once.
#
#   a pass of 2 s ends at :02, news keeps coming   → the next starts at :04, or after 300 ms without news

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET = timedelta(milliseconds=300)
"""A resting tenant that had no news for this long is due at once."""
LONGEST_REST = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Rest:
    since: datetime
    until: datetime


class TenantScheduler:
    """Picks tenants in turn, and lets a tenant rest after a pass.

    State is kept in memory only. After a restart every tenant is due at once.
    """

    def __init__(self) -> None:
        self._last = ""
        self._rests: dict[str, _Rest] = {}

    def next(self, tenants: Collection[str]) -> str:
        """The tenant after the last one, in the order of ids; `tenants` are those that are due, not none."""
        self._last = min((tenant for tenant in tenants if tenant > self._last), default=min(tenants))
        return self._last

    def pass_ended(self, tenant_id: str, *, started_at: datetime, now: datetime) -> None:
        """Lets the tenant rest for as long as its pass took."""
        self._rests[tenant_id] = _Rest(now, now + min(now - started_at, LONGEST_REST))

    def is_resting(self, tenant_id: str, now: datetime) -> bool:
        """Whether the tenant's rest is not over; a clock that was set back ends it."""
        rest = self._rests.get(tenant_id)
        if rest and rest.since <= now < rest.until:
            return True
        self._rests.pop(tenant_id, None)
        return False
