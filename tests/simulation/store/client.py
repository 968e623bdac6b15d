"""The driver's client and its sessions, over a database in memory; and `Mongo` over these."""

# `shared.mongo` itself is real: its filters, its translation of errors, its forward-only upserts. Only what
# it would get from the driver is simulated.

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Self, TypeVar

from pymongo.errors import AutoReconnect, PyMongoError

from shared.mongo import Mongo
from shared.mongo.driver_errors import translate_server_errors
from tests.simulation.network import Link, Network
from tests.simulation.store.collection import SimulatedCollection
from tests.simulation.store.database import Database, Transaction, View
from tests.simulation.virtual_loop import PROCESS

T = TypeVar("T")

LINK = Link(shortest=0.0005, longest=0.02, lost=0.0004, unanswered=0.0004, slow=0.003)
_RETRIED_FOR_SECONDS = 120
_NOTICED_AFTER_SECONDS = 5
"""When a server ends the transaction of a client that is gone."""
_TRANSACTION_LIFETIME_SECONDS = 60
"""When it ends one that nobody ends (`transactionLifetimeLimitSeconds`)."""


class Client:
    """One process's connection to one database."""

    def __init__(self, database: Database, network: Network, random: Random, link: Link = LINK) -> None:
        self.database, self.network, self.random, self._link = database, network, random, link

    async def call(self, work: Callable[[View], Any], session: "ClientSession | None" = None) -> Any:
        """Carries out one operation, in the transaction of the session if there is one."""
        if session is not None:
            return await session.call(work)

        restores = self.database.restores

        def serve() -> Any:
            if self.database.restores != restores:
                raise _broken(carried_out=False)
            view = View(self.database)
            result = work(view)
            if view.changes:
                self.database.commit(view.changes)
            return result

        return await self.network.call(self._link, serve, _broken)

    async def start_session(self) -> "ClientSession":
        return ClientSession(self, self._link)

    def close(self) -> None:
        """Nothing is kept open."""

    def __getitem__(self, name: str) -> SimulatedCollection:
        return SimulatedCollection(self, name)


class ClientSession:
    """Runs transactions as the driver does: the transient is begun again, a commit sent until it is known."""

    def __init__(self, client: Client, link: Link) -> None:
        self._client, self._link = client, link
        self._transaction: Transaction | None = None
        self._has_ended = False

    async def __aenter__(self) -> Self:
        if process := PROCESS.get():
            process.on_death.append(self._notice_death)
        return self

    async def __aexit__(self, *_: object) -> None:
        process = PROCESS.get()
        self._has_ended = True
        if process and process.is_running:
            process.on_death.remove(self._notice_death)
        if (process is None or process.is_running) and self._transaction is not None:
            self._transaction.abort()  # and kept: a statement of it that arrives now finds it so

    async def call(self, work: Callable[[View], Any]) -> Any:
        restores = self._client.database.restores

        def serve() -> Any:
            if self._client.database.restores != restores:
                raise _broken(False, "TransientTransactionError")
            if self._transaction is None:
                self._transaction = Transaction(self._client.database)
                if self._has_ended:  # whoever sent the statement was cancelled before it arrived
                    self._client.network.later(_TRANSACTION_LIFETIME_SECONDS, self._abort)
            self._transaction.require_open()
            return work(self._transaction)

        def broken(carried_out: bool) -> AutoReconnect:
            return _broken(carried_out, "TransientTransactionError")

        try:
            return await self._client.network.call(self._link, serve, broken)
        except PyMongoError:
            self._abort()  # any error of a statement ends its transaction
            raise

    async def with_transaction(self, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        until = self._client.network.loop.time() + _RETRIED_FOR_SECONDS
        while True:
            self._abort()
            try:
                result = await work(self)
                if self._transaction is not None:
                    await self._commit(self._transaction, until)
            except Exception as error:
                self._abort()
                if self._is_to_begin_again(error, until):
                    continue
                raise
            return result

    async def _commit(self, transaction: Transaction, until: float) -> None:
        done = False

        def serve() -> None:
            nonlocal done
            if not done:  # sent again, it is the same commit
                transaction.commit()
                done = True

        def broken(carried_out: bool) -> AutoReconnect:
            return _broken(carried_out, "UnknownTransactionCommitResult")

        while True:
            try:
                await self._client.network.call(self._link, serve, broken)
            except AutoReconnect:
                if self._client.network.loop.time() > until:
                    raise
            else:
                self._transaction = None
                return

    def _is_to_begin_again(self, error: Exception, until: float) -> bool:
        if self._client.network.loop.time() > until:
            return False
        return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")

    def _notice_death(self) -> None:
        seconds = self._client.random.random() * _NOTICED_AFTER_SECONDS
        self._client.network.later(seconds, self._abort)

    def _abort(self) -> None:
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None


class SimulatedMongo(Mongo):
    """`Mongo` as one process has it, over a database in memory."""

    def __init__(self, database: Database, network: Network, random: Random, link: Link = LINK) -> None:
        self._client: Any = Client(database, network, random, link)
        self._database: Any = self._client

    async def ping(self) -> None:
        with translate_server_errors():
            await self._client.call(lambda _: None)

    async def is_empty(self) -> bool:
        with translate_server_errors():
            empty: bool = await self._client.call(lambda view: not any(view.database.collections.values()))
        return empty


def _broken(carried_out: bool, label: str = "") -> AutoReconnect:
    error = AutoReconnect("the answer was lost" if carried_out else "the request was lost")
    if label:
        error._add_error_label(label)  # noqa: SLF001  as the driver does
    return error
