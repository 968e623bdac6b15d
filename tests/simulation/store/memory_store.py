"""A document store in the memory of the test's own process: the simulation's, without delays and losses."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any, cast

from shared.mongo import Mongo
from tests.simulation.network import Again, Link, Network
from tests.simulation.store.client import SimulatedMongo
from tests.simulation.store.database import Database

_NO_WAY = Link(shortest=0, longest=0, slow=0)


class DirectNetwork:
    """Carries each request out at once, after whatever else is ready has had its turn: tasks interleave."""

    async def call(self, _: Link, serve: Callable[[], Any], _broken: Callable[[bool], Exception]) -> Any:
        while True:
            await asyncio.sleep(0)
            try:
                result = serve()
            except Again:  # a transaction of another task has the document
                continue
            await asyncio.sleep(0)
            return result

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(seconds, callback)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()


def mongo_in_memory() -> Mongo:
    """Returns an empty database, by the clock of this machine."""
    database = Database("test", lambda: datetime.now(UTC))
    return SimulatedMongo(database, cast("Network", DirectNetwork()), Random(1), _NO_WAY)
