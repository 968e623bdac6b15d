"""What writing needs of the outside; each is given when the service is built."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from psa_sync.writes.intent import Intent
from shared.contracts import Message
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.models import IntegrationState

OpenChanges = Callable[[IntegrationState, LeaseFence], ChangePublisher]
"""Opens the publishing of what is read of one integration, for as long as the lease lasts."""


@dataclass(frozen=True, slots=True)
class LineRef:
    """Names a line of a PSA: writes to one line are made one after another."""

    tenant_id: str
    integration_id: str
    line_id: str


class IntentStore(Protocol):
    """The writes that were commanded, from the command to the result."""

    async def next_unfinished(self, line: LineRef) -> Intent | None:
        """Returns the write to this line to carry on: the oldest, but first one that is cancelled unsent."""
        ...

    async def may_arrive_until(self, line: LineRef) -> datetime | None:
        """Returns until when a request of any write to this line, ended ones included, may still arrive."""
        ...

    async def unanswered_targets(self, line: LineRef) -> set[Decimal]:
        """Returns the quantities of all writes to this line of which a request had no answer."""
        ...

    async def save(self, intent: Intent, messages: Sequence[Message] = ()) -> Intent:
        """Stores the next step with its messages; raises `LeaseLost` when another worker stored one since."""
        ...

    async def save_before_send(self, intent: Intent) -> Intent:
        """Stores that a send begins; raises `LeaseLost` as `save`, and when the write is cancelled by now."""
        ...

    async def finish(self, intent: Intent, messages: Sequence[Message]) -> Intent:
        """Stores the result with its messages, both or neither; raises `LeaseLost` as `save` does."""
        ...
