"""What finishing, and counting how far it is, need of a store."""

from collections.abc import AsyncGenerator, Callable, Collection, Coroutine
from typing import Any, Protocol, TypeVar

from matcher.finishing.models import FinishRecord
from matcher.finishing.progress import CountedItem, DecidedItem, Progress, ProgressQuery
from matcher.mappings.ports import UnitOfWork
from matcher.uncompared_usage.models import UncomparedLine

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

    async def read(self, tenant_id: str, work: Callable[[FinishUnitOfWork], Coroutine[Any, Any, T]]) -> T:
        """Runs `work`, which only reads, on what is decided at this moment; it waits for nobody."""
        ...


class ProgressReader(Protocol):
    """The present vendor items and what is decided on them, read outside a unit of work."""

    async def progress(self, query: ProgressQuery) -> Progress:
        """Returns the numbers of a query without a search, counted without reading the items."""
        ...

    async def items(self, query: ProgressQuery) -> list[CountedItem]:
        """Returns the items that the query is about; `is_suggested` is left to the caller."""
        ...

    async def decided(self, query: ProgressQuery, ids: Collection[str]) -> list[DecidedItem]:
        """Returns what is decided on items of the query's kind and vendor that have one of the ids."""
        ...


class UnmappedLines(Protocol):
    """The usage lines for which a mapping is missing."""

    def unmapped_lines(
        self, tenant_id: str, vendor_integration_id: str
    ) -> AsyncGenerator[UncomparedLine, None]:
        """Yields those of the vendor."""
        ...
