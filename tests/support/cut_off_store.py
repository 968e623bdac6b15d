"""A store of mappings that goes away in the middle of a request."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from matcher.mappings.ports import MappingStore, UnitOfWork
from shared.errors import TransientError

T = TypeVar("T")


class CutOffStore:
    """A store that goes away after some units of work, as for a process that is killed between two."""

    def __init__(self, store: MappingStore, units: int) -> None:
        self._store, self._left = store, units

    async def tenants_with_work(self, now: datetime) -> list[str]:
        raise NotImplementedError(now)

    async def run_unit_of_work(
        self, tenant_id: str, work: Callable[[UnitOfWork], Coroutine[Any, Any, T]]
    ) -> T:
        if not self._left:
            raise TransientError("the store is away")
        self._left -= 1
        return await self._store.run_unit_of_work(tenant_id, work)
