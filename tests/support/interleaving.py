"""A document store in which something happens at the worst moment: right before a named call, once."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.mongo import Documents, Mongo
from shared.runtime.settings import MongoSettings


class InterleavedMongo(Mongo):
    """Runs `before` once, right before `call`, which is `collection.method` as the driver names it."""

    def __init__(self, settings: MongoSettings, call: str, before: Callable[[], Awaitable[object]]) -> None:
        super().__init__(settings)
        self._call, self._before = call, before
        self._done = False

    def documents(self, name: str, tenant_id: str) -> Documents:
        return Documents(_Collection(self, name), {"tenant_id": tenant_id})

    def all_tenants(self, name: str) -> Documents:
        return Documents(_Collection(self, name))

    def call(self, name: str, method: str) -> Any:
        real = getattr(self._database[name], method)
        if f"{name}.{method}" != self._call:
            return real

        async def interleaved(*arguments: Any, **more: Any) -> Any:
            if not self._done:
                self._done = True
                await self._before()
            return await real(*arguments, **more)

        return interleaved


class _Collection:
    def __init__(self, store: InterleavedMongo, name: str) -> None:
        self._store, self._name = store, name

    def __getattr__(self, method: str) -> Any:
        return self._store.call(self._name, method)
