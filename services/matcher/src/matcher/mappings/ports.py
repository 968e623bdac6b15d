"""What the verbs need of a store; the repository provides it."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from matcher.catalogue.items import IntegrationInfo, Item, ItemKind, Labels, MatchWork
from shared.contracts.matcher import MappingDecided, MappingFinished, MappingKind

T = TypeVar("T")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class FinishRecord:
    """That a person finished mapping; `id` is their idempotency key, or the finish's own id without one."""

    id: str
    event: MappingFinished


class UnitOfWork(Protocol):
    """One tenant's state while nobody else decides for it; all that is written stands or falls together."""

    async def marks(self, *, limit: int) -> list[MatchWork]: ...

    async def add_marks(self, marks: Sequence[MatchWork]) -> None: ...

    async def remove_marks(self, marks: Sequence[MatchWork]) -> None: ...

    async def keys_of(self, shelf: ItemKind, integration_id: str) -> list[str]:
        """The keys of all items of an integration."""
        ...

    async def items(self, shelf: ItemKind, keys: Collection[str]) -> list[Item]: ...

    async def called(self, shelf: ItemKind, labels: Labels) -> list[Item]:
        """The items that have one of the names or one of the codes."""
        ...

    async def former_labels(self, shelf: ItemKind, keys: Collection[str]) -> dict[str, Labels]:
        """Under which labels each item was compared last."""
        ...

    async def remember_labels(
        self, shelf: ItemKind, fresh: Mapping[str, Labels], renamed: Mapping[str, Labels]
    ) -> None:
        """For items that were never compared, and for those that were called otherwise."""
        ...

    async def integrations(self) -> dict[str, IntegrationInfo]: ...

    async def finished(self) -> frozenset[str]:
        """The vendor integrations whose mapping a person has ever finished."""
        ...

    async def mappings(self, keys: Collection[str]) -> dict[str, MappingDecided]: ...

    async def record(self, mappings: Sequence[MappingDecided]) -> None:
        """Store decisions and have them published; revision 1 is of what was never decided on."""
        ...

    async def approved(self, vendor_integration_id: str, psa_integration_id: str) -> dict[MappingKind, int]:
        """How many mappings there are between the two."""
        ...

    async def excluded(self, vendor_integration_id: str) -> dict[MappingKind, int]: ...

    async def finish(self, finish_id: str) -> FinishRecord | None: ...

    async def record_finish(self, finish: FinishRecord) -> None:
        """Store it and have it published."""
        ...


class MatcherStore(Protocol):
    """Where everything is kept."""

    async def forward(self, items: Sequence[Item]) -> None:
        """Keep what is newer than what is there."""
        ...

    async def forward_integrations(self, integrations: Sequence[IntegrationInfo]) -> None: ...

    async def add_marks(self, tenant_id: str, marks: Sequence[MatchWork]) -> None: ...

    async def waiting(self) -> list[str]:
        """The tenants that have marks."""
        ...

    async def turn(self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]) -> T:
        """Do `work` alone for this tenant; it may be run again, so it must touch nothing else."""
        ...
