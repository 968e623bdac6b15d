"""Publishing under a name that one process at a time may use: whoever had it before is refused by Kafka.

A deadline can only be looked at before a record is handed over: a process that is paused right after sends it
when it wakes. Opening a transactional id fences off the producer that had it (KIP-98), and for that alone
transactions are used: readers read all that is written, and a failed publishing means *unknown* as ever.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TransactionalIdAuthorizationFailed

from shared.contracts import Message
from shared.errors import PermanentError, TransientError
from shared.kafka.broker import PRODUCING
from shared.kafka.publisher import PATIENCE, Publisher
from shared.runtime.attempt import attempt
from shared.runtime.settings import KafkaSettings

_OPENING = 10.0
"""Seconds; the lease of whoever opens is not renewed meanwhile."""
_CLOSING = 5.0


class FencedProducers:
    """The names of one service."""

    def __init__(self, settings: KafkaSettings, service: str) -> None:
        self._servers, self._service = settings.servers.split(","), service
        self._stopping: set[asyncio.Task[object]] = set()

    @asynccontextmanager
    async def publishing(self, name: str) -> AsyncIterator["FencedPublisher"]:
        """From here on nobody else publishes under this name; raises `TransientError` without Kafka."""
        whole = f"{self._service}/{name}"
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, client_id=self._service, transactional_id=whole, **PRODUCING
        )
        try:
            await _started(producer, whole)
            yield FencedPublisher(producer, self._service)
        finally:
            await self._stop(producer)

    async def close(self) -> None:
        """Give up what Kafka has not taken by now."""
        for task in self._stopping:
            task.cancel()
        await asyncio.gather(*self._stopping, return_exceptions=True)

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        # What still waits is sent first, which takes as long as Kafka is away; no run should wait for that.
        task = asyncio.create_task(attempt(producer.stop()))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        await asyncio.wait([task], timeout=_CLOSING)


@dataclass(slots=True, eq=False)
class _Batch:
    """What one caller wants published, and what became of it."""

    messages: list[Message]
    correlation_id: str | None
    deadline: float | None
    failure: Exception | None = field(
        default_factory=lambda: TransientError("whoever published it was cut off")
    )


class FencedPublisher:
    """Publishes until something fails: what became of that must be looked at first.

    A name has one transaction at a time, so whoever comes while one is going on goes with the next.
    """

    def __init__(self, producer: AIOKafkaProducer, source: str) -> None:
        self._producer, self._publisher = producer, Publisher(_Wire(producer), source)
        self._turn, self._sound = asyncio.Lock(), True
        self._waiting: list[_Batch] = []

    async def publish(
        self,
        messages: Iterable[Message],
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """As `Publisher.publish`; raises `TransientError` also when the name was opened anew since."""
        mine = _Batch(list(messages), correlation_id, deadline)
        self._waiting.append(mine)
        async with self._turn:
            if mine in self._waiting:
                together, self._waiting = self._waiting, []
                await self._publish(together)
        if mine.failure is not None:
            raise mine.failure

    async def _publish(self, together: Sequence[_Batch]) -> None:
        """Nobody is told of success before the end: who is cut off earlier leaves it unknown to all."""
        outcomes = await attempt(self._transact(together))
        for place, batch in enumerate(together):
            batch.failure = outcomes if isinstance(outcomes, Exception) else outcomes[place]

    async def _transact(self, together: Sequence[_Batch]) -> list[PermanentError | None]:
        """What each batch came to; what is refused for good, being too large, spoils no other."""
        if not self._sound:
            raise TransientError("an earlier batch under this name failed: open it anew")
        self._sound = False
        limit = min((batch.deadline for batch in together if batch.deadline is not None), default=None)
        try:
            async with _within(limit):
                await self._producer.begin_transaction()
            outcomes = _lasting(await asyncio.gather(*map(self._handed_over, together)))
            async with _within(limit):
                await self._producer.commit_transaction()
        except (KafkaError, TimeoutError) as error:
            raise TransientError(f"Kafka did not take a batch: {error!r}") from error
        self._sound = True
        return outcomes

    async def _handed_over(self, batch: _Batch) -> Exception | None:
        sending = self._publisher.publish(
            batch.messages, correlation_id=batch.correlation_id, deadline=batch.deadline
        )
        return await attempt(sending)


class _Wire:
    """A producer of the client library, as `Publisher` talks to it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def publish(
        self,
        message: bytes,
        topic: str,
        /,
        *,
        key: bytes | None,
        headers: dict[str, str],
        correlation_id: str | None = None,
        no_confirm: bool = False,  # noqa: ARG002  the future is what the library gives
    ) -> Any:
        every = {**headers, "correlation_id": correlation_id or ""}
        pairs = [(name, value.encode()) for name, value in every.items()]
        return await self._producer.send(topic, message, key=key, headers=pairs)


def _lasting(failures: Iterable[Exception | None]) -> list[PermanentError | None]:
    """Raises the first that may be gone the next time."""
    lasting: list[PermanentError | None] = []
    for failure in failures:
        if failure is not None and not isinstance(failure, PermanentError):
            raise failure
        lasting.append(failure)
    return lasting


async def _started(producer: AIOKafkaProducer, name: str) -> None:
    try:
        async with asyncio.timeout(_OPENING):
            await producer.start()
    except TransactionalIdAuthorizationFailed as error:
        raise TransientError(f"Kafka refuses the transactional id {name}: allow it to this user") from error
    except TimeoutError as error:
        why = "it is away, or its transaction.state.log.replication.factor is larger than it has brokers"
        raise TransientError(f"Kafka gives out no transactional id {name}: {why}") from error
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka cannot be reached: {error!r}") from error


def _within(deadline: float | None) -> asyncio.Timeout:
    until = asyncio.get_running_loop().time() + PATIENCE
    return asyncio.timeout_at(until if deadline is None else min(until, deadline))
