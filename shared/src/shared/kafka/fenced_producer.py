"""Publishing under a name that one process at a time may use: Kafka refuses whoever had it before."""

# Invariant: once a successor has opened a name, nothing that its predecessor hands over reaches a topic. A
# deadline cannot keep that: a process that is paused right after looking at it sends the record when it
# wakes. Opening a transactional id fences off the producer that had it (KIP-98), and for that alone
# transactions are used: consumers read uncommitted records too. A name has one transaction at a time, shared
# by all who wait for it:
#
#   A publishes → transaction 1 {A}   B, C wait; B gets the lock → transaction 2 {B, C}; C finds it done
#
# A failure leaves the transaction unknown, and the producer unusable until the name is opened anew.

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TransactionalIdAuthorizationFailed

from shared.contracts import Message
from shared.errors import PermanentError, TransientError
from shared.kafka.broker import PRODUCER_OPTIONS
from shared.kafka.connection import client_options
from shared.kafka.publisher import PUBLISH_TIMEOUT, Publisher
from shared.runtime.attempt import attempt
from shared.runtime.clock import monotonic_seconds
from shared.runtime.settings import KafkaSettings

_OPEN_TIMEOUT = timedelta(seconds=10)
"""The lease of whoever opens a name is not renewed meanwhile."""
_CLOSE_TIMEOUT = timedelta(seconds=5)


class FencedProducers:
    """Opens the names of one service for publishing."""

    def __init__(self, settings: KafkaSettings, service: str) -> None:
        self._settings, self._service = settings, service
        self._stopping: set[asyncio.Task[object]] = set()

    @asynccontextmanager
    async def open_publisher(self, name: str) -> AsyncIterator["FencedPublisher"]:
        """Fences off whoever published under this name; raises `TransientError` when Kafka refuses."""
        transactional_id = f"{self._service}/{name}"
        producer = AIOKafkaProducer(
            **client_options(self._settings),
            client_id=self._service,
            transactional_id=transactional_id,
            **PRODUCER_OPTIONS,
        )
        try:
            await _start(producer, transactional_id)
            yield FencedPublisher(producer, self._service)
        finally:
            await self._stop(producer)

    async def close(self) -> None:
        """Gives up what Kafka has not taken by now."""
        for task in self._stopping:
            task.cancel()
        await asyncio.gather(*self._stopping, return_exceptions=True)

    async def _stop(self, producer: AIOKafkaProducer) -> None:
        # The client sends what is still buffered first, which takes as long as Kafka is away. No run
        # should wait for that, so stopping goes on in a task.
        task = asyncio.create_task(attempt(producer.stop()))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)
        await asyncio.wait([task], timeout=_CLOSE_TIMEOUT.total_seconds())


@dataclass(slots=True, eq=False)
class _Batch:
    """What one caller wants published, and what became of it."""

    messages: list[Message]
    correlation_id: str | None
    deadline: float | None
    """A moment of `monotonic_seconds`, as everywhere here."""
    failure: Exception | None = field(
        default_factory=lambda: TransientError("whoever published it was cut off")
    )
    """None once the batch is known to be published."""


class FencedPublisher:
    """Publishes under one name until something fails: what became of that must be looked at first."""

    def __init__(self, producer: AIOKafkaProducer, source: str) -> None:
        self._producer, self._publisher = producer, Publisher(_ProducerAdapter(producer), source)
        self._transaction_lock, self._usable = asyncio.Lock(), True
        self._waiting: list[_Batch] = []

    async def publish(
        self,
        messages: Iterable[Message],
        *,
        correlation_id: str | None = None,
        deadline: float | None = None,
    ) -> None:
        """Publishes as `Publisher.publish`; raises `TransientError` also when a successor opened the name."""
        batch = _Batch(list(messages), correlation_id, deadline)
        self._waiting.append(batch)
        async with self._transaction_lock:
            if batch in self._waiting:  # else the holder before us has published it
                batches, self._waiting = self._waiting, []
                await self._publish_together(batches)
        if batch.failure is not None:
            raise batch.failure

    async def _publish_together(self, batches: Sequence[_Batch]) -> None:
        # Success is noted only at the end: when this task is cancelled before, it stays unknown to all
        # callers.
        outcomes = await attempt(self._transact(batches))
        for index, batch in enumerate(batches):
            batch.failure = outcomes if isinstance(outcomes, Exception) else outcomes[index]

    async def _transact(self, batches: Sequence[_Batch]) -> list[PermanentError | None]:
        """Returns for each batch why it is refused for good (too large), or None; one batch spoils no other.

        Raises `TransientError` when it is unknown what became of the batches.
        """
        if not self._usable:
            raise TransientError("an earlier batch under this name failed: open it anew")
        self._usable = False
        deadline = min((batch.deadline for batch in batches if batch.deadline is not None), default=None)
        outcomes: list[PermanentError | None] = []
        try:
            async with _timeout(deadline):
                await self._producer.begin_transaction()
            for failure in await asyncio.gather(*map(self._hand_over, batches)):
                if failure is not None and not isinstance(failure, PermanentError):
                    raise failure
                outcomes.append(failure)
            async with _timeout(deadline):
                await self._producer.commit_transaction()
        except (KafkaError, TimeoutError) as error:
            raise TransientError(f"Kafka did not take a batch: {error!r}") from error
        self._usable = True
        return outcomes

    async def _hand_over(self, batch: _Batch) -> Exception | None:
        return await attempt(
            self._publisher.publish(
                batch.messages, correlation_id=batch.correlation_id, deadline=batch.deadline
            )
        )


class _ProducerAdapter:
    """The client library's producer as a `Producer`."""

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
        all_headers = {**headers, "correlation_id": correlation_id or ""}
        pairs = [(name, value.encode()) for name, value in all_headers.items()]
        return await self._producer.send(topic, message, key=key, headers=pairs)


async def _start(producer: AIOKafkaProducer, transactional_id: str) -> None:
    try:
        async with asyncio.timeout(_OPEN_TIMEOUT.total_seconds()):
            await producer.start()
    except TransactionalIdAuthorizationFailed as error:
        raise TransientError(
            f"Kafka refuses the transactional id {transactional_id}: allow it to this user"
        ) from error
    except TimeoutError as error:
        why = "it is away, or its transaction.state.log.replication.factor is larger than it has brokers"
        raise TransientError(f"Kafka gives out no transactional id {transactional_id}: {why}") from error
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka cannot be reached: {error!r}") from error


def _timeout(deadline: float | None) -> asyncio.Timeout:
    longest_seconds = PUBLISH_TIMEOUT.total_seconds()
    return asyncio.timeout(
        longest_seconds if deadline is None else min(longest_seconds, deadline - monotonic_seconds())
    )
