"""What finishing needs of a store."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from matcher.finishing.models import FinishRecord
from matcher.mappings.ports import UnitOfWork

T = TypeVar("T")


class FinishUnitOfWork(UnitOfWork, Protocol):
    """A unit of work that also holds the tenant's finishes."""

    async def finish_record(self, record_id: str) -> FinishRecord | None: ...

    async def record_finish(self, record: FinishRecord) -> None:
        """Stores the record and publishes its message."""
        ...


class FinishStore(Protocol):
    """Opens units of work that hold finishes."""

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[FinishUnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        """Runs `work` alone for this tenant; it may run again, so it must touch its unit of work only."""
        ...
