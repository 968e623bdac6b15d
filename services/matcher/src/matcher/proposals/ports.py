"""What the use cases of proposals need of a store and of an engine."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from matcher.catalogue.items import Item, ItemKind
from matcher.catalogue.ports import CatalogueReader
from matcher.catalogue.search import ItemEnd
from matcher.proposals.models import (
    DueRecomputation,
    EngineAnswer,
    ProposalInputs,
    ProposalPass,
    RefusalStatus,
    StoredProposals,
)
from shared.contracts.matcher import MappingDecision, MappingKind, MappingsProposed, ProposalRefused
from shared.mapping_counts import KindCounts

T = TypeVar("T")


class ProposalEngine(Protocol):
    """Ranks the PSA items that each vendor item may be."""

    async def rank(
        self,
        kind: MappingKind,
        vendor: Sequence[Item],
        psa: Sequence[Item],
        *,
        since: str | None = None,
        wanted: Collection[str] = (),
    ) -> EngineAnswer:
        """Ranks the items of one marketplace, of which there are some.

        `since` is the token of the last answer whose results are stored: it may be answered what has changed,
        and the vendor items that are `wanted` by key. Raises `TransientError` when the engine died.
        """
        ...


class DecidedItems(Protocol):
    """On which items something is decided."""

    async def decided_items(
        self, tenant_id: str, kind: ItemKind, decisions: Collection[MappingDecision]
    ) -> set[ItemEnd]:
        """Returns all items that have one of these decisions."""
        ...


class PassStore(Protocol):
    """What has changed, what a pass computes with, and what it found."""

    async def mark_outdated(self) -> None:
        """Has computed anew what another engine than the present one computed, or none did yet."""
        ...

    async def due(self) -> list[DueRecomputation]:
        """Returns what has changed since it was computed, of all tenants."""
        ...

    async def begin(self, tenant_id: str, kind: MappingKind) -> ProposalPass:
        """Begins a pass: what an earlier one has not stored by now it never will."""
        ...

    async def inputs(self, tenant_id: str, kind: MappingKind) -> ProposalInputs: ...

    async def stored(self, tenant_id: str, kind: MappingKind) -> dict[str, StoredProposals]:
        """Returns what is stored, by key."""
        ...

    async def record(self, pass_: ProposalPass, stated: Sequence[MappingsProposed], at: datetime) -> None:
        """Stores and publishes states; raises `PassOvertaken` when a later pass has begun."""
        ...

    async def retract(self, pass_: ProposalPass, keys: Sequence[str], at: datetime) -> None:
        """Stores and publishes that nothing is proposed under these keys any more."""
        ...

    async def complete(self, pass_: ProposalPass, counts: Mapping[str, KindCounts]) -> None:
        """Removes the work of the pass from the queue; all it found is stored.

        `counts` are by marketplace; those of a pass that was overtaken are dropped.
        """
        ...


class ProposalUnit(CatalogueReader, Protocol):
    """What a person's question or refusal reads and writes, inside one transaction."""

    async def proposed(self, key: str) -> MappingsProposed | None: ...

    async def replace(self, stated: MappingsProposed) -> None:
        """Stores and publishes a state."""
        ...

    async def refusal(self, refusal_id: str) -> RefusalStatus | None:
        """Returns what was last said of two items; None when nothing ever was."""
        ...

    async def record_refusal(self, refusal_id: str, said: ProposalRefused) -> None:
        """Stores and publishes a refusal, or that it is taken back."""
        ...

    async def restore_refusal(self, refusal_id: str, told: ProposalRefused) -> None:
        """Stores what was published once."""
        ...

    async def mark(self, kind: MappingKind) -> None:
        """Has the tenant's proposals of this kind computed anew."""
        ...


class ProposalStore(Protocol):
    """Opens transactions of one tenant."""

    async def run(self, tenant_id: str, work: Callable[[ProposalUnit], Coroutine[Any, Any, T]]) -> T: ...
