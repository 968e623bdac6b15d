"""What showing usage lines needs of the features that rest on them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from billing.usage.usage_line import UsageLine


class InFlightApprovals(Protocol):
    """Approvals that wait for the result of their write. Approving rests on usage, never the other way."""

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> Mapping[str, str]:
        """Returns approval ids by usage line id."""


class ArrivingReadings(Protocol):
    """Readings that no manifest names yet. Observing rests on usage, never the other way."""

    async def being_read(self, tenant_id: str, lines: Sequence[UsageLine]) -> Collection[str]:
        """Returns the ids of the lines of whose accounts newer news has come than counts."""
