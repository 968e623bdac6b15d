"""A broker as the services have it, over the log: what they publish, and the batches that they consume."""

# Invariant: a group's partition is read by one consumer at a time, as far as the group knows: a consumer that
# was silent for longer than its session (paused, or killed) loses its partitions, and may still be handling
# a batch of them. What it commits then is refused. What was handled and not committed comes again.
#
#   A reads t:0 5 6, is paused 15 s   → B reads t:0 from 5   A goes on, handles 5 6, commits → refused

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.errors import CommitFailedError, KafkaConnectionError

from tests.simulation.consumer import SimulatedConsumer
from tests.simulation.log import Log
from tests.simulation.network import Link, Network
from tests.simulation.process import Process

LINK = Link(shortest=0.001, longest=0.03, lost=0.0006, unanswered=0.0006, slow=0.003)
_SESSION_SECONDS = 10.0
_POLL_SECONDS = 4.0
_COMMIT_BACKOFF_SECONDS = 0.1


class Groups:
    """Which member of each group reads which partitions, as the broker sees it."""

    def __init__(self, log: Log, network: Network) -> None:
        self._log, self._network = log, network
        self._members: dict[str, list[SimulatedConsumer]] = {}

    def join(self, group: str, consumer: SimulatedConsumer) -> None:
        self._members.setdefault(group, []).append(consumer)
        self._rebalance(group)

    def leave(self, group: str, consumer: SimulatedConsumer) -> None:
        if consumer in self._members.get(group, ()):
            self._members[group].remove(consumer)
            self._rebalance(group)

    def leave_after_session(self, group: str, consumer: SimulatedConsumer) -> None:
        """Takes the partitions of a member that says nothing any more, once its session has run out."""

        def look() -> None:
            process = consumer.process
            if not process.is_running or process.paused_until > self._network.loop.time():
                self.leave(group, consumer)

        self._network.later(_SESSION_SECONDS, look)

    def heartbeat(self, group: str, consumer: SimulatedConsumer) -> None:
        """Lets a member that was thrown out join again."""
        if consumer not in self._members.get(group, ()):
            self.join(group, consumer)

    def is_member(self, group: str, consumer: SimulatedConsumer) -> bool:
        return consumer in self._members.get(group, ())

    def throw_out_silent(self) -> None:
        """Looks again at the members of paused processes; called when a pause begins."""
        for group, members in self._members.items():
            for consumer in members:
                if consumer.process.paused_until > self._network.loop.time():
                    self.leave_after_session(group, consumer)

    def _rebalance(self, group: str) -> None:
        members = self._members[group]
        topics = {consumer.topic for consumer in members}
        for topic in topics:
            readers = [consumer for consumer in members if consumer.topic == topic]
            partitions = self._log.partitions_of(topic)
            for place, consumer in enumerate(readers):
                consumer.assign_now(set(partitions[place :: len(readers)]))


class Subscriber:
    """One topic that a service consumes; the product's pipeline is behind `handler`."""

    def __init__(self, topic: str, group: str, options: dict[str, Any]) -> None:
        self.topic, self.group = topic, group
        self._decoder, self._listener = options["decoder"], options["listener"]
        self.handler: Callable[[Any], Awaitable[None]] | None = None
        self.consumer: SimulatedConsumer | None = None

    def __call__(self, handler: Callable[[Any], Awaitable[None]]) -> None:
        self.handler = handler

    def begin(self, process: Process, log: Log, network: Network, groups: Groups) -> SimulatedConsumer:
        self.consumer = SimulatedConsumer(process, log, network, topic=self.topic, group=self.group)
        self.consumer.on_assigned = self._listener.on_partitions_assigned
        self.consumer.on_revoked = self._listener.on_partitions_revoked
        groups.join(self.group, self.consumer)
        process.on_death.append(lambda: groups.leave_after_session(self.group, self.consumer))  # type: ignore[arg-type]
        return self.consumer

    async def handle(self, records: Sequence[ConsumerRecord]) -> None:
        assert self.handler is not None
        batch = await self._decoder(SimpleNamespace(raw_message=tuple(records), consumer=self.consumer))
        await self.handler(batch)


class SimulatedBroker:
    """What one process publishes with and consumes through."""

    def __init__(
        self, process: Process, log: Log, network: Network, *, groups: Groups, random: Random
    ) -> None:
        self._process, self._log, self._network = process, log, network
        self._groups, self._random = groups, random
        self.subscribers: list[Subscriber] = []
        self.context = _Context()

    def subscriber(self, topic: str, *, group_id: str, **options: Any) -> Subscriber:
        subscriber = Subscriber(topic, group_id, options)
        self.subscribers.append(subscriber)
        return subscriber

    async def publish(
        self,
        message: bytes,
        topic: str,
        /,
        *,
        key: bytes | None,
        headers: dict[str, str],
        correlation_id: str | None = None,
        no_confirm: bool = False,
    ) -> Any:
        """As `shared.kafka.producer_port.Producer`; what is handed over in order is appended in order."""
        self._process.require_running()
        # At once, not in a task, whose turn may come after that of a later record.
        is_lost = self._network.is_faulty and self._random.random() < LINK.lost
        if not is_lost:
            self._log.append(topic, key, message, {**headers, "correlation_id": correlation_id or ""})
        acknowledged = asyncio.ensure_future(self._acknowledge(is_lost))
        return acknowledged if no_confirm else await acknowledged

    async def _acknowledge(self, is_lost: bool) -> None:
        await asyncio.sleep(self._network.way(LINK))
        if is_lost or (self._network.is_faulty and self._random.random() < LINK.unanswered):
            raise KafkaConnectionError

    def start(self) -> None:
        """Begins to consume."""
        for subscriber in self.subscribers:
            consumer = subscriber.begin(self._process, self._log, self._network, self._groups)
            self._process.spawn(self._consume(subscriber, consumer), f"consume {subscriber.topic}")

    async def _consume(self, subscriber: Subscriber, consumer: SimulatedConsumer) -> None:
        """Takes batches for ever, as FastStream does with NACK_ON_ERROR."""
        while True:
            self._groups.heartbeat(subscriber.group, consumer)
            records = self._fetch(consumer)
            if not records:
                await consumer.wait(_POLL_SECONDS * (1 + self._random.random()))
                continue
            await asyncio.sleep(self._network.way(LINK))
            try:
                await subscriber.handle(records)
            except Exception:  # noqa: BLE001  sought back, whatever it was
                consumer.seek_back(records)
            else:
                await self._commit(subscriber, consumer)

    def _fetch(self, consumer: SimulatedConsumer) -> list[ConsumerRecord]:
        records: list[ConsumerRecord] = []
        ready = sorted(consumer.assignment() - consumer.paused())
        self._random.shuffle(ready)
        for partition in ready[: self._random.randint(1, max(1, len(ready)))]:
            records += consumer.take(partition, self._random.choice((1, 3, 20, 100)))
        return records

    async def _commit(self, subscriber: Subscriber, consumer: SimulatedConsumer) -> None:
        def serve() -> None:
            if not self._groups.is_member(subscriber.group, consumer):
                raise CommitFailedError
            consumer.store_commit()

        while True:
            try:
                await self._network.call(LINK, serve, lambda _: KafkaConnectionError())
            except CommitFailedError:
                return  # whoever has the partitions now reads again
            except KafkaConnectionError:
                await asyncio.sleep(_COMMIT_BACKOFF_SECONDS)  # as the client does, until it succeeds
            else:
                return


class _Context:
    """FastStream's store of globals."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def set_global(self, name: str, value: Any) -> None:
        self._values[name] = value
