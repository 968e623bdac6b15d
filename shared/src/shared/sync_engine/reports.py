"""What a run has to say of itself: what its steps read, what that sums up to, how it ended; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import Outcome
from shared.contracts.manifest import ListingExtent
from shared.contracts.run_end import UnreadAccount


class StepReport(BaseModel):
    """What one step of a run read, and why that fell short."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    counts: dict[str, int] = {}
    """How many things were read, by noun (accounts, subscriptions …)."""
    shortfalls: tuple[str, ...] = ()
    """A sentence for each way in which the run as a whole fell short; none when it did not."""
    exceptions: tuple[str, ...] = ()
    """A sentence for single things that could not be read: they make no run partial."""
    listed_revision: int = 0
    """Taken before the lists that the step read began; 0 for a step that read none."""
    listing: ListingExtent = ListingExtent.WHOLE
    """Whether those lists held all that the provider counts."""


@dataclass(frozen=True, slots=True)
class RunTally:
    """Sums up what a run has read so far."""

    counts: Mapping[str, int] = field(default_factory=dict)
    coverage: Decimal = Decimal(1)
    """Share of the due items that were read, 0 to 1."""
    shortfalls: tuple[str, ...] = ()
    """A sentence for each reason why the run cannot be complete although it came to its end."""
    exceptions: tuple[str, ...] = ()
    """A sentence for single things that could not be read: the run is complete all the same."""
    unread_accounts: tuple[UnreadAccount, ...] = ()
    """Accounts that are due and have no manifest of this run."""


@dataclass(frozen=True, slots=True)
class RunEnding:
    """Says how a run ended."""

    outcome: Outcome
    reason: str | None = None
    tally: RunTally = RunTally()
    refused: str | None = None
    """What was refused, when it was the credentials: credentials-rejected is then sent."""
