"""What the feed breaker needs of the store, of the calculation, and of the status channel."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from billing.feeds.models import (
    FeedSize,
    HeldRun,
    HoldState,
    JudgedRun,
    LineSwing,
    RunRecord,
    RunRef,
)
from billing.usage.manifest import AppliedManifest
from billing.usage.ref import Ref
from shared.run_hold import RunHold


class FeedStore(Protocol):
    """Keeps what runs changed, and which were held; see `FeedRepository`."""

    async def record_of(self, tenant_id: str, run: RunRef) -> RunRecord:
        """Returns what is stored of a run; an empty record for one that was never judged."""

    async def swings(self, tenant_id: str, run: RunRef) -> Mapping[str, LineSwing]:
        """Returns what a run has made of lines so far, by line id; read its record first."""

    async def size(self, tenant_id: str, integration_id: str, swings: Collection[LineSwing]) -> FeedSize: ...

    async def store_judged(self, tenant_id: str, runs: Sequence[JudgedRun], session: Any) -> None:
        """Stores judgements within a transaction (its session).

        Raises `TransientError` when somebody else has judged one of the runs since its record was read.
        """

    def tell(self, tenant_id: str, runs: Sequence[JudgedRun]) -> None:
        """Tells people who look of the holds among judgements that are committed."""

    async def doubted(self, tenant_id: str) -> frozenset[RunRef]: ...

    async def rejected(self, tenant_id: str) -> frozenset[RunRef]: ...

    async def held(self) -> Sequence[HeldRun]: ...

    async def overtake(self, held: HeldRun, at: datetime) -> bool:
        """Ends a hold on whose run nothing rests any more; returns False while anything does."""

    async def falling_back(self) -> Sequence[HeldRun]:
        """Returns rejected runs whose accounts did not fall back yet."""

    async def note_fallen_back(self, held: HeldRun) -> None: ...

    async def unshown(self) -> Sequence[HeldRun]:
        """Returns runs whose hold has ended and of whose end the status channel was not told."""

    async def note_shown(self, held: HeldRun) -> None: ...

    async def resolve(
        self, tenant_id: str, run: RunRef, state: HoldState, *, by: str, reason: str, at: datetime
    ) -> HeldRun:
        """Ends a hold; raises `NotFound` for a run that was never held, `Conflict` if it is not now."""


class RunEffects(Protocol):
    """Works out what a run changes; see `FeedComparison`."""

    async def swings(
        self,
        tenant_id: str,
        run: RunRef,
        manifests: Mapping[Ref, AppliedManifest],
        doubted: Collection[tuple[str, str]],
    ) -> Mapping[str, LineSwing]:
        """Returns what the run makes of the lines that rest on these manifests of it, by line id.

        Each is compared with what it would be by the manifests that were believed before, all else being as
        it is now; lines that the run does not change are among them.
        """

    async def uncounted(self, tenant_id: str, integration_id: str, counted: Collection[str]) -> FeedSize:
        """Returns how much waits to be calculated that is neither a stored line nor one of these (ids)."""


class FormerManifests(Protocol):
    """Lets what counted before count again; see `ManifestRepository`."""

    async def fall_back(self, tenant_id: str, integration_id: str, run_id: str) -> int:
        """Returns how many of the run's accounts fell back in this step; none when all have."""


class HoldBoard(Protocol):
    """The status channel."""

    async def show_holds(self, tenant_id: str, integration_id: str, holds: Sequence[RunHold]) -> None: ...
