"""What the feed breaker needs of the store."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from billing.feeds.models import FeedSize, HeldRun, HoldState, LineSwing, RunRef
from shared.status_channel import RunStatus


class FeedStore(Protocol):
    """Keeps what runs changed, and which were held; see `FeedRepository`."""

    async def unjudged(self, limit: int) -> Mapping[str, Mapping[RunRef, int]]:
        """Returns runs that have changed lines since they were judged, each with its count of changes."""

    async def swings(self, tenant_id: str, run: RunRef) -> Sequence[LineSwing]: ...

    async def size(self, tenant_id: str, integration_id: str, swings: Collection[LineSwing]) -> FeedSize: ...

    async def note_judged(self, tenant_id: str, run: RunRef, changes: int) -> None:
        """Stores that the run was judged after so many changes."""

    async def unfinished(self) -> Sequence[HeldRun]:
        """Returns holds that nobody was told of, and rejected runs whose accounts did not fall back yet."""

    async def finish(self, held: HeldRun) -> None:
        """Stores that nothing is left to do about a run in this state."""

    async def hold(self, held: HeldRun) -> bool:
        """Stores the hold with its audit entry and its work; returns False when the run was held before."""

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str, at: datetime
    ) -> HeldRun:
        """Ends a hold; raises `NotFound` for a run that was never held, `Conflict` if it is not now."""


class FormerManifests(Protocol):
    """Lets what counted before count again; see `ManifestRepository`."""

    async def fall_back(self, tenant_id: str, integration_id: str, run_id: str) -> int:
        """Returns how many of the run's accounts fell back in this step; none when all have."""


class HoldBoard(Protocol):
    """The status channel."""

    async def report(self, status: RunStatus) -> int: ...
