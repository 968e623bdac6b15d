"""Publishing under a name that one process at a time may use, over the log."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiokafka.errors import KafkaConnectionError

from shared.errors import TransientError
from shared.kafka.fenced_producer import FencedPublisher
from tests.simulation.broker import LINK
from tests.simulation.log import Log
from tests.simulation.network import Network
from tests.simulation.process import Process


class SimulatedProducer:
    """The client library's producer with a transactional id: refused once a successor has opened the id."""

    def __init__(self, process: Process, log: Log, network: Network, name: str) -> None:
        self._process, self._log, self._network, self._name = process, log, network, name
        self._epoch = 0

    async def start(self) -> None:
        self._epoch = await self._call(lambda: self._log.open_name(self._name))

    async def begin_transaction(self) -> None:
        await self._call(self._check)

    async def send(self, topic: str, value: bytes, *, key: bytes, headers: list[tuple[str, bytes]]) -> Any:
        """Consumers read uncommitted records too, so a record is there as soon as it is taken."""
        self._process.require_running()
        self._check()
        self._log.append(topic, key, value, {name: text.decode() for name, text in headers})
        return asyncio.ensure_future(self._call(self._check))

    async def commit_transaction(self) -> None:
        await self._call(self._check)

    def _check(self) -> None:
        self._log.require_epoch(self._name, self._epoch)

    async def _call(self, serve: Callable[[], Any]) -> Any:
        return await self._network.call(LINK, serve, lambda _: KafkaConnectionError())


class SimulatedProducers:
    """Opens the names of one service; see `shared.kafka.fenced_producer.FencedProducers`."""

    def __init__(self, process: Process, log: Log, network: Network, service: str) -> None:
        self._process, self._log, self._network, self._service = process, log, network, service

    def open_publisher(self, name: str) -> AbstractAsyncContextManager[FencedPublisher]:
        return self._open(name)

    @asynccontextmanager
    async def _open(self, name: str) -> AsyncIterator[FencedPublisher]:
        producer = SimulatedProducer(self._process, self._log, self._network, f"{self._service}/{name}")
        try:
            await producer.start()
        except KafkaConnectionError as error:
            raise TransientError("Kafka cannot be reached") from error
        yield FencedPublisher(producer, self._service)  # type: ignore[arg-type]  # it stands in for one
