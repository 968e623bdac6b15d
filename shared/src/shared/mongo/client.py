"""One service's database."""

# Invariant: what was acknowledged is on a majority of the nodes, and so is what is read, whatever the address
# says: nobody acts on a state that the loss of a node takes back. By the server's defaults a lease or a
# decision that was read on a primary about to step down might never have been.

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient

from shared.limits import record_hit
from shared.limits.people import TENANT_ID_CHARACTERS
from shared.mongo.changes import Document, Filter, Session
from shared.mongo.documents import Documents
from shared.mongo.driver_errors import translate_server_errors
from shared.runtime.settings import MongoSettings

T = TypeVar("T")

_MILLISECOND = timedelta(milliseconds=1)
_SERVER_SELECTION_TIMEOUT = timedelta(seconds=10)
_SOCKET_TIMEOUT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Index:
    """An index that must stand before the service starts."""

    collection: str
    keys: Sequence[tuple[str, int]]
    unique: bool = False
    where: Filter | None = None
    """Only documents that match are indexed."""
    ttl: timedelta | None = None
    """After this time a document is removed, counted from the date in the field indexed."""


class Mongo:
    """One service's database. Every method raises `TransientError` when it cannot be reached."""

    def __init__(self, settings: MongoSettings) -> None:
        self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            settings.url.get_secret_value(),
            tz_aware=True,
            w="majority",
            readConcernLevel="majority",
            readPreference="primary",
            serverSelectionTimeoutMS=_SERVER_SELECTION_TIMEOUT // _MILLISECOND,
            socketTimeoutMS=_SOCKET_TIMEOUT // _MILLISECOND,
        )
        self._database = self._client[settings.database]

    def documents(self, name: str, tenant_id: str) -> Documents:
        """Returns a collection as one tenant sees it; raises `TypeError` or `ValueError` for no tenant's id.

        The id becomes a part of every filter, where `{"$gt": ""}` would match all tenants.
        """
        _require_tenant_id(tenant_id)
        return Documents(self._database[name], {"tenant_id": tenant_id})

    def all_tenants(self, name: str) -> Documents:
        """Returns a collection across tenants: for jobs that serve them all, never for a request."""
        return Documents(self._database[name], {})

    async def transaction(self, work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        """Runs `work` atomically; it may run several times, so it must touch nothing but the store.

        Raises what `work` raises, and `TransientError` when the store gives up.
        """
        with translate_server_errors():
            async with await self._client.start_session() as session:
                result: T = await session.with_transaction(work)
                return result

    async def ensure(self, indexes: Iterable[Index]) -> None:
        """Creates the indexes that are missing; the same call again does nothing."""
        with translate_server_errors():
            for index in indexes:
                await self._database[index.collection].create_index(list(index.keys), **_options(index))

    async def is_empty(self) -> bool:
        """Tells whether the database holds no document at all."""
        with translate_server_errors():
            return not (await self._database.command("dbStats"))["objects"]

    async def ping(self) -> None:
        with translate_server_errors():
            await asyncio.wait_for(
                self._client.admin.command("ping"), _SERVER_SELECTION_TIMEOUT.total_seconds()
            )

    async def close(self) -> None:
        self._client.close()


def _require_tenant_id(tenant_id: object) -> None:
    if not isinstance(tenant_id, str):
        raise TypeError(f"a tenant's id is a text, not a {type(tenant_id).__name__}")
    if len(tenant_id) > TENANT_ID_CHARACTERS.most:
        record_hit(TENANT_ID_CHARACTERS)
        raise ValueError(f"a tenant's id has at most {TENANT_ID_CHARACTERS}, not {len(tenant_id)}")
    if not tenant_id:
        raise ValueError("a tenant's id is not empty")


def _options(index: Index) -> dict[str, Any]:
    options: dict[str, Any] = {"unique": True} if index.unique else {}
    if index.where is not None:
        options["partialFilterExpression"] = dict(index.where)
    if index.ttl is not None:
        options["expireAfterSeconds"] = int(index.ttl.total_seconds())
    return options
