"""What the verbs need of a store; the repository provides it."""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from matcher.models.items import Integration, Item, Labels, Mark, Shelf
from shared.contracts.matcher import MappingDecided, MappingFinished, MappingKind

T = TypeVar("T")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Finish:
    """That a person finished mapping; `id` is their idempotency key, or the finish's own id without one."""

    id: str
    event: MappingFinished


class Turn(Protocol):
    """One tenant's state while nobody else decides for it; all that is written stands or falls together."""

    async def marks(self, *, limit: int) -> list[Mark]: ...

    async def add_marks(self, marks: Sequence[Mark]) -> None: ...

    async def remove_marks(self, marks: Sequence[Mark]) -> None: ...

    async def keys_of(self, shelf: Shelf, integration_id: str) -> list[str]:
        """The keys of all items of an integration."""
        ...

    async def items(self, shelf: Shelf, keys: Collection[str]) -> list[Item]: ...

    async def called(self, shelf: Shelf, labels: Labels) -> list[Item]:
        """The items that have one of the names or one of the codes."""
        ...

    async def former_labels(self, shelf: Shelf, keys: Collection[str]) -> dict[str, Labels]:
        """Under which labels each item was compared last."""
        ...

    async def remember_labels(
        self, shelf: Shelf, fresh: Mapping[str, Labels], renamed: Mapping[str, Labels]
    ) -> None:
        """For items that were never compared, and for those that were called otherwise."""
        ...

    async def integrations(self) -> dict[str, Integration]: ...

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

    async def finish(self, finish_id: str) -> Finish | None: ...

    async def record_finish(self, finish: Finish) -> None:
        """Store it and have it published."""
        ...


class Store(Protocol):
    """Where everything is kept."""

    async def forward(self, items: Sequence[Item]) -> None:
        """Keep what is newer than what is there."""
        ...

    async def forward_integrations(self, integrations: Sequence[Integration]) -> None: ...

    async def add_marks(self, tenant_id: str, marks: Sequence[Mark]) -> None: ...

    async def waiting(self) -> list[str]:
        """The tenants that have marks."""
        ...

    async def turn(self, tenant_id: str, work: Callable[[Turn], Coroutine[Any, Any, T]]) -> T:
        """Do `work` alone for this tenant; it may be run again, so it must touch nothing else."""
        ...
