"""What showing usage lines needs of the features that rest on them."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from billing.usage.usage_line import UsageLine


class InFlightApprovals(Protocol):
    """Approvals that wait for the result of their write. Approving rests on usage, never the other way."""

    async def in_flight(self, tenant_id: str, lines: Sequence[UsageLine]) -> Mapping[str, str]:
        """Returns approval ids by usage line id."""
