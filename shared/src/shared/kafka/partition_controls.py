"""What an operator wants of the partitions that a service consumes: paused ones, and records to skip."""

# Invariant: a paused partition hands out no record, also after a rebalance; a record before the offset of a
# skip reaches no handler but becomes a dead letter, so that nothing is lost and the offset moves on. A batch
# in hand ends before its pause begins; if it fails it is sought back, and comes again only after the pause.
#
#   skip t:0 before 7   records 5, 6, 7, 8   → 5 and 6 become dead letters, 7 and 8 are handled

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker

from shared.kafka.dead_letters import RejectedRecord
from shared.kafka.tolerant_consumer import TolerantConsumer

_KEY = "partition_controls"


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing of the partition is handled until it is resumed."""

    partition: TopicPartition
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """Records before the offset are set aside; ended once the group has passed it."""

    partition: TopicPartition
    before: int
    reason: str
    by: str
    at: datetime


class PartitionControls:
    """The controls of all consumers of one broker, as they were last read."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker
        self.pauses: Mapping[TopicPartition, Pause] = {}
        self.skips: Mapping[TopicPartition, Skip] = {}
        self._held = set[TopicPartition]()
        """Partitions that rest for a moment, for their first message could not be handled."""

    def replace(self, controls: Iterable[Pause | Skip]) -> None:
        """Takes over what is wanted now."""
        controls = list(controls)
        self.pauses = {control.partition: control for control in controls if isinstance(control, Pause)}
        self.skips = {control.partition: control for control in controls if isinstance(control, Skip)}
        self.apply()

    def hold(self, partition: TopicPartition, seconds: float) -> None:
        """Hands out nothing of a partition for so long."""
        self._held.add(partition)
        self.apply()
        asyncio.get_running_loop().call_later(seconds, self._let_go, partition)

    def _let_go(self, partition: TopicPartition) -> None:
        self._held.discard(partition)
        self.apply()

    def apply(self) -> None:
        """Pauses and resumes partitions, as far as this process has them."""
        for consumer in consumers_of(self._broker):
            paused, wanted = consumer.paused(), consumer.assignment() & {*self.pauses, *self._held}
            consumer.pause(*(wanted - paused))
            consumer.resume(*(paused - wanted))

    def set_aside(
        self, records: Sequence[ConsumerRecord]
    ) -> tuple[Sequence[ConsumerRecord], list[RejectedRecord]]:
        """Divides a batch into what is to be handled and what is skipped."""
        if not self.skips:
            return records, []
        kept, skipped = list[ConsumerRecord](), list[RejectedRecord]()
        for record in records:
            skip = self.skips.get(TopicPartition(record.topic, record.partition))
            if skip is None or record.offset >= skip.before:
                kept.append(record)
            else:
                reason = f"skipped by an operator: {skip.reason}"
                skipped.append(RejectedRecord(record, reason, attempts=0, on_purpose=True))
        return kept, skipped

    def degradation(self) -> str | None:
        """Returns which partitions are paused, by whom and why."""
        if not self.pauses:
            return None
        paused = "; ".join(
            f"{partition.topic}:{partition.partition} paused by {pause.by} ({pause.reason})"
            for partition, pause in sorted(self.pauses.items())
        )
        return f"{paused}: `consumers resume` lets work go on (deploy/README.md, Dead letters)"


class AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]  # it ships no types
    """Applies the controls to partitions before the first record of them is handed out.

    `forget` is told of every partition that comes or goes: what was known of it is known no longer.
    """

    def __init__(
        self, controls: PartitionControls, forget: Callable[[Iterable[TopicPartition]], None]
    ) -> None:
        self._controls, self._forget = controls, forget

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Ends no pause: a consumer that joins again has forgotten its pauses."""
        self._forget(revoked)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self._forget(assigned)
        self._controls.apply()


def controls_of(broker: KafkaBroker) -> PartitionControls:
    """Returns the controls of the broker's consumers, the same object for the same broker."""
    controls: PartitionControls | None = broker.context.get(_KEY)
    if controls is None:
        controls = PartitionControls(broker)
        broker.context.set_global(_KEY, controls)
    return controls


def consumers_of(broker: KafkaBroker) -> list[TolerantConsumer]:
    """Returns the broker's consumers that are running; a subscriber's type is not public."""
    subscribers: Iterable[Any] = broker.subscribers
    return [subscriber.consumer for subscriber in subscribers if subscriber.consumer is not None]
