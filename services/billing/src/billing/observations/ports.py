"""What the ingestor needs of the store.

An import contract keeps use cases from repositories, so each is a protocol although one class implements it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from billing.observations.change_notice import ChangeNotice
from billing.usage.ref import Ref


class ObservationStore(Protocol):
    """Keeps the state of things."""

    async def store(self, tenant_id: str, notices: Sequence[ChangeNotice]) -> set[Ref]:
        """Stores news of one kind, forward-only; returns what the things belonged to, or led to, before."""


class ReceiptLog(Protocol):
    """Keeps which things there was news of since when."""

    async def record(self, tenant_id: str, notices: Sequence[ChangeNotice]) -> None: ...


class RecalculationRequests(Protocol):
    """Takes requests to calculate lines again."""

    async def enqueue_refs(self, tenant_id: str, refs: Mapping[Ref, Sequence[str]]) -> None: ...
