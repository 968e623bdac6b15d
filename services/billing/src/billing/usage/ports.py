"""What showing usage lines needs of the features that rest on them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from billing.usage.collision import WriteCollision
from billing.usage.usage_line import UsageLine


class LineApprovals(Protocol):
    """What became of approvals, by usage line id. Approving rests on usage, never the other way."""

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> Mapping[str, str]:
        """Returns the ids of the approvals that wait for the result of their write."""
        ...

    async def collisions(self, tenant_id: str, lines: Sequence[UsageLine]) -> Mapping[str, WriteCollision]:
        """Returns the last write of somebody else that collided with one of ours."""


class ArrivingReadings(Protocol):
    """Readings that no manifest names yet. Observing rests on usage, never the other way."""

    async def being_read(self, tenant_id: str, lines: Sequence[UsageLine]) -> Collection[str]:
        """Returns the ids of the lines of whose accounts newer news has come than counts."""
