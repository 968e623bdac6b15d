"""Document stores in which something happens at the worst moment of a call."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.mongo import Documents, Mongo

_INSERTS = ("insert_one", "insert_many", "bulk_write")
_WRITES = (*_INSERTS, "update_one", "update_many", "find_one_and_update", "delete_many")


class _ChangedMongo(Mongo):
    """The same database over the same connection; changes what some calls of the driver do."""

    def __init__(self, mongo: Mongo) -> None:
        self._client, self._database = mongo._client, mongo._database  # noqa: SLF001  not opened again

    def documents(self, name: str, tenant_id: str) -> Documents:
        return Documents(_Collection(self, name), {"tenant_id": tenant_id})

    def all_tenants(self, name: str) -> Documents:
        return Documents(_Collection(self, name))

    def call(self, name: str, method: str) -> Any:
        """Returns the driver's method of a collection, or what is called in its place."""
        return getattr(self._database[name], method)


class InterleavedMongo(_ChangedMongo):
    """Runs `before` once, right before `call`, which is `collection.method` as the driver names it."""

    def __init__(self, mongo: Mongo, call: str, before: Callable[[], Awaitable[object]]) -> None:
        super().__init__(mongo)
        self._call, self._before = call, before
        self._done = False

    def call(self, name: str, method: str) -> Any:
        real = super().call(name, method)
        if f"{name}.{method}" != self._call:
            return real

        async def interleaved(*arguments: Any, **more: Any) -> Any:
            await self._run_before()
            return await real(*arguments, **more)

        def found(*arguments: Any, **more: Any) -> Any:
            return _InterleavedCursor(real(*arguments, **more), self._run_before)

        return found if method == "find" else interleaved

    async def _run_before(self) -> None:
        if not self._done:
            self._done = True
            await self._before()


class _InterleavedCursor:
    """The driver's cursor, which asks the store for nothing before it is read."""

    def __init__(self, cursor: Any, before: Callable[[], Awaitable[object]]) -> None:
        self._cursor, self._before = cursor, before

    def sort(self, order: list[tuple[str, int]]) -> "_InterleavedCursor":
        return _InterleavedCursor(self._cursor.sort(order), self._before)

    async def to_list(self, length: int | None) -> Any:
        await self._before()
        return await self._cursor.to_list(length)


class RefusingMongo(_ChangedMongo):
    """Refuses so many writes with an error of the driver, as a store whose user lost the right to write."""

    def __init__(self, mongo: Mongo, error: Exception, *, refusals: int = 0) -> None:
        super().__init__(mongo)
        self._error, self.refusals = error, refusals

    def call(self, name: str, method: str) -> Any:
        real = super().call(name, method)
        if method not in _WRITES:
            return real

        async def refused(*arguments: Any, **more: Any) -> Any:
            if self.refusals:
                self.refusals -= 1
                raise self._error
            return await real(*arguments, **more)

        return refused


class NthWriteMongo(_ChangedMongo):
    """Runs `before` once, right before the nth write, to whatever collection."""

    def __init__(self, mongo: Mongo, nth: int, before: Callable[[], Awaitable[object]]) -> None:
        super().__init__(mongo)
        self._left, self._before = nth, before

    def call(self, name: str, method: str) -> Any:
        real = super().call(name, method)
        if method not in _WRITES:
            return real

        async def counted(*arguments: Any, **more: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                await self._before()
            return await real(*arguments, **more)

        return counted


class ResendingMongo(_ChangedMongo):
    """Loses the answer to what inserts into a collection, and sends it again, as the driver does by itself.

    A store that was stopped between the write and its answer does not know the second for the first.
    """

    def __init__(self, mongo: Mongo, collection: str) -> None:
        super().__init__(mongo)
        self._collection = collection

    def call(self, name: str, method: str) -> Any:
        real = super().call(name, method)
        if name != self._collection or method not in _INSERTS:
            return real

        async def sent_twice(*arguments: Any, **more: Any) -> Any:
            await real(*arguments, **more)
            return await real(*arguments, **more)

        return sent_twice


class _Collection:
    def __init__(self, store: _ChangedMongo, name: str) -> None:
        self._store, self._name = store, name

    def __getattr__(self, method: str) -> Any:
        return self._store.call(self._name, method)
