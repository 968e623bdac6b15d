"""One service's database."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient

from shared.mongo.changes import Document, Filter, Session, translated
from shared.mongo.documents import Documents
from shared.runtime.settings import MongoSettings

T = TypeVar("T")

_PATIENCE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Index:
    """An index that must stand before the service starts."""

    collection: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False
    where: Filter | None = None
    ttl: int | None = None
    """Seconds after which a document goes, counted from the (date) field indexed."""


class Mongo:
    """One service's database. Raises `TransientError` when it cannot be reached."""

    def __init__(self, settings: MongoSettings) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            settings.url.get_secret_value(),
            tz_aware=True,
            w="majority",
            serverSelectionTimeoutMS=_PATIENCE_MS,
            socketTimeoutMS=60_000,
        )
        self._database = self._client[settings.database]

    def documents(self, name: str, tenant_id: str) -> Documents:
        """A collection as one tenant sees it."""
        return Documents(self._database[name], {"tenant_id": tenant_id})

    def all_tenants(self, name: str) -> Documents:
        """A collection across tenants: for jobs that serve them all, never for a request."""
        return Documents(self._database[name], {})

    async def transaction(self, work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        """Run `work` atomically; it may run several times, so it must only touch the store."""
        with translated():
            async with await self._client.start_session() as session:
                result: T = await session.with_transaction(work)
                return result

    async def ensure(self, indexes: Iterable[Index]) -> None:
        """Create what is missing; the same call again does nothing."""
        with translated():
            for index in indexes:
                await self._database[index.collection].create_index(list(index.keys), **_options(index))

    async def ping(self) -> None:
        with translated():
            await asyncio.wait_for(self._client.admin.command("ping"), _PATIENCE_MS / 1000)

    async def close(self) -> None:
        self._client.close()


def _options(index: Index) -> dict[str, Any]:
    options: dict[str, Any] = {"unique": True} if index.unique else {}
    if index.where is not None:
        options["partialFilterExpression"] = dict(index.where)
    if index.ttl is not None:
        options["expireAfterSeconds"] = index.ttl
    return options
