"""A database beside the offsets that its group committed; tests/live/test_restored_database.py has Kafka."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from clocks import MonotonicClock
from structlog.testing import capture_logs

from shared.errors import TransientError
from shared.kafka.database_positions import DatabasePositions
from shared.kafka.position_repository import PositionRepository
from shared.mongo import Mongo

P = TopicPartition("t", 0)


@dataclass
class FakeConsumer:
    """A consumer of one partition, of which a test says what is committed and what is left."""

    committed_offset: int | None = None
    first_left: int = 0
    at: int = 0
    sought: list[int] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {P}

    async def committed(self, _: TopicPartition) -> int | None:
        return self.committed_offset

    async def beginning_offsets(self, _: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {P: self.first_left}

    async def position(self, _: TopicPartition) -> int:
        return self.at

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.sought.append(offset)
        self.at = offset


def records(*offsets: int) -> list[ConsumerRecord]:
    return [ConsumerRecord("t", 0, offset, 0, 0, b"k", b"", None, 1, 0, ()) for offset in offsets]


async def positions_in(
    mongo: Mongo, stored: int | None = None, **more: MonotonicClock
) -> tuple[DatabasePositions, PositionRepository]:
    repository, positions = PositionRepository(mongo), DatabasePositions(**more)
    await repository.prepare()
    positions.keep_in(repository)
    if stored is not None:
        await repository.set({P: stored})
    return positions, repository


async def handled(
    positions: DatabasePositions, consumer: FakeConsumer, *offsets: int
) -> dict[TopicPartition, int]:
    """Takes a batch through; returns what may be committed."""
    consumer.at = max(offsets) + 1
    terms = await positions.begin(consumer, records(*offsets))
    return await positions.advance(terms, {P: max(offsets) + 1})


async def test_what_was_handled_is_stored_and_may_be_committed(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo)

    assert await handled(positions, FakeConsumer(), 0, 1, 4) == {P: 5}

    assert await repository.find([P]) == {P: 5}


async def test_who_must_know_of_a_restore_is_told_before_anything_is_read_again(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo, 90)
    consumer = FakeConsumer(committed_offset=90)
    sought_when_told: list[list[int]] = []

    async def hear() -> None:
        sought_when_told.append([*consumer.sought])
        if len(sought_when_told) == 1:
            raise TransientError("the store is away")

    positions.restore_hooks.append(hear)
    await positions.compare(consumer, [P])
    assert sought_when_told == []

    positions.forget([P])
    await repository.set({P: 40})
    with pytest.raises(TransientError):
        await positions.compare(consumer, [P])
    assert consumer.sought == []
    await positions.compare(consumer, [P])

    assert sought_when_told == [[], []]
    assert consumer.sought == [40]


async def test_a_database_that_is_behind_is_read_again_from_where_it_was(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo, 40)
    consumer = FakeConsumer(committed_offset=90)

    with capture_logs() as events:
        assert await handled(positions, consumer, 90, 91) == {}

    assert consumer.sought == [40]
    assert await repository.find([P]) == {P: 40}
    assert [event["event"] for event in events] == ["database_behind_offsets"]
    assert await handled(positions, consumer, 40, 41) == {P: 42}


async def test_a_group_that_was_killed_before_its_commit_goes_on_from_the_commit(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo, 90)
    consumer = FakeConsumer(committed_offset=80)

    await positions.compare(consumer, [P])

    assert consumer.sought == []
    assert await repository.find([P]) == {P: 80}
    assert positions.degradation() is None


async def test_where_retention_took_records_it_begins_with_the_first_that_is_left(mongo: Mongo) -> None:
    positions, _ = await positions_in(mongo, 40)
    consumer = FakeConsumer(committed_offset=90, first_left=70)

    await positions.compare(consumer, [P])

    assert consumer.sought == [70]


async def test_where_nothing_is_left_there_is_nothing_to_read_again(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo, 40)
    consumer = FakeConsumer(committed_offset=90, first_left=95)

    await positions.compare(consumer, [P])

    assert consumer.sought == []
    assert await repository.find([P]) == {P: 90}


async def test_a_batch_in_hand_when_the_database_is_restored_is_neither_stored_nor_committed(
    mongo: Mongo,
) -> None:
    positions, repository = await positions_in(mongo)
    consumer = FakeConsumer()
    await handled(positions, consumer, 88, 89)
    consumer.committed_offset = 90
    in_hand = await positions.begin(consumer, records(90, 91))

    await repository.set({P: 40})
    await positions.find_restored([consumer])

    assert await positions.advance(in_hand, {P: 92}) == {}
    assert consumer.sought == [40]
    assert await repository.find([P]) == {P: 40}


async def test_a_batch_that_was_read_before_the_seek_and_begins_after_it_is_dropped(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo, 40)
    consumer = FakeConsumer(committed_offset=90)
    await positions.find_restored([consumer])

    assert await positions.begin(consumer, records(90, 91)) == {}

    assert await handled(positions, consumer, 40) == {P: 41}
    assert await repository.find([P]) == {P: 41}


async def test_a_batch_that_fails_while_its_partition_is_sought_back_leaves_no_gap(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo)
    consumer = FakeConsumer()
    await handled(positions, consumer, 88, 89)
    consumer.committed_offset = 90
    in_hand = await positions.begin(consumer, records(90, 91))
    await repository.set({P: 40})
    await positions.find_restored([consumer])

    positions.abandon(in_hand)
    consumer.seek(P, 90)  # as the framework does with a batch that failed
    assert await positions.begin(consumer, records(90, 91)) == {}

    assert consumer.sought == [40, 90, 40]


async def test_two_consumers_at_once_store_and_compare_one_after_the_other(mongo: Mongo) -> None:
    positions, repository = await positions_in(mongo)
    consumer = FakeConsumer()

    await asyncio.gather(
        *(handled(positions, consumer, offset) for offset in range(10)),
        *(positions.find_restored([consumer]) for _ in range(5)),
    )

    assert consumer.sought == []
    assert await repository.find([P]) == {P: 10}


async def test_the_service_says_for_a_while_what_it_reads_again(mongo: Mongo) -> None:
    clock = MonotonicClock()
    positions, _ = await positions_in(mongo, 40, monotonic=clock)
    await positions.compare(FakeConsumer(committed_offset=90), [P])

    sentence = positions.degradation()
    clock.seconds += timedelta(hours=1).total_seconds()

    assert sentence is not None
    assert "t:0 is read again from 40, was 90" in sentence
    assert positions.degradation() is None
