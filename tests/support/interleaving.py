"""A document store in which something happens at the worst moment: right before a named call, once."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.mongo import Documents, Mongo
from shared.runtime.settings import MongoSettings


class Meddled(Mongo):
    """`call` is `collection.method` as the driver names it; `then` is what comes before it."""

    def __init__(self, settings: MongoSettings, call: str, then: Callable[[], Awaitable[object]]) -> None:
        super().__init__(settings)
        self._call, self._then = call, then
        self._over = False

    def documents(self, name: str, tenant_id: str) -> Documents:
        return Documents(_Collection(self, name), {"tenant_id": tenant_id})

    def all_tenants(self, name: str) -> Documents:
        return Documents(_Collection(self, name))

    def call(self, name: str, method: str) -> Any:
        real = getattr(self._database[name], method)
        if f"{name}.{method}" != self._call:
            return real

        async def meddled(*arguments: Any, **more: Any) -> Any:
            if not self._over:
                self._over = True
                await self._then()
            return await real(*arguments, **more)

        return meddled


class _Collection:
    def __init__(self, store: Meddled, name: str) -> None:
        self._store, self._name = store, name

    def __getattr__(self, method: str) -> Any:
        return self._store.call(self._name, method)
