"""Turns: which tenant is seen to next, and who is left alone for a moment so that more may gather."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

QUIET = timedelta(milliseconds=300)
"""Where nothing came for so long, nothing more is waited for."""
LONGEST = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Rest:
    since: datetime
    until: datetime


class Turns:
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
