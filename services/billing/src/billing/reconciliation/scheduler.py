"""Turns: which tenant is seen to next, who is left alone so that more may gather, and how much at once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET = timedelta(milliseconds=300)
"""Where nothing came for so long, nothing more is waited for."""
LONGEST = timedelta(seconds=5)
ROWS = 300
"""Loaded at once: what a piece holds in memory, and how long others wait for the loop and the lease. Four
times as many take ten megabytes more, and win nothing."""
FEW, MANY = 16, 64
"""Accounts: of the first piece, and of any."""


@dataclass(frozen=True, slots=True)
class _Rest:
    since: datetime
    until: datetime


class TenantScheduler:
    """Of this process alone: forgotten, everybody is seen to at once."""

    def __init__(self) -> None:
        self._last = ""
        self._rests: dict[str, _Rest] = {}

    def next(self, tenants: Collection[str]) -> str:
        """One after the other, in the order of their ids."""
        self._last = min((one for one in tenants if one > self._last), default=min(tenants))
        return self._last

    def ended(self, tenant_id: str, *, began: datetime, now: datetime) -> None:
        """A round that was long is followed by a rest as long: what comes then costs one round, not many."""
        self._rests[tenant_id] = _Rest(now, now + min(now - began, LONGEST))

    def rests(self, tenant_id: str, now: datetime) -> bool:
        """A clock that was set back ends the rest."""
        rest = self._rests.get(tenant_id)
        if rest and rest.since <= now < rest.until:
            return True
        self._rests.pop(tenant_id, None)
        return False


class BatchSize:
    """How many accounts are loaded at once: as many as held about `ROWS` rows the last time."""

    def __init__(self) -> None:
        self.accounts = FEW

    def took(self, accounts: int, rows: int) -> None:
        """So many subscriptions and agreement lines; an account may have one of them, or thousands."""
        wanted = accounts * ROWS // max(rows, 1)
        self.accounts = max(1, min(wanted, 2 * self.accounts, MANY))
