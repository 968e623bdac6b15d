"""What an operator does about a service's consumers: `python -m <service> consumers …`."""

# The commands read Kafka and write the service's own database; the running service takes over what they wrote
# (`control_job`). They join no group, so they move no partition and work while the service is down as well.

import getpass
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.errors import RuleBroken, TransientError
from shared.kafka.control_repository import ControlRepository
from shared.kafka.group_offsets import GroupOffsets
from shared.kafka.groups import consumed_topics
from shared.kafka.lag import PartitionProgress, measure
from shared.kafka.partition_controls import Pause, Skip
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings

_SOON = "the running service takes it over within a few seconds"
_Row = tuple[str, str, str, str, str, str]


class ConsumerSettings(Protocol):
    """What the commands need of a service's settings."""

    @property
    def kafka(self) -> KafkaSettings: ...
    @property
    def mongo(self) -> MongoSettings: ...


def add_arguments(parser: ArgumentParser) -> None:
    """Declares the commands and their options."""
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="each partition with its lag in messages, and what holds it up")
    pause = commands.add_parser("pause", help="hand out no message of a topic, or of one partition")
    resume = commands.add_parser("resume", help="end a pause")
    skip = commands.add_parser("skip", help="set messages of a partition aside as dead letters, unhandled")
    for command in (pause, resume, skip):
        command.add_argument("where", metavar="TOPIC[:PARTITION]")
    for command in (pause, skip):
        command.add_argument("--by", default=_login_name(), help="who asks for it (default: the login name)")
    pause.add_argument("--reason", required=True)
    skip.add_argument("--reason", default="", help="why; needed unless --cancel")
    which = skip.add_mutually_exclusive_group(required=True)
    which.add_argument("--before", type=int, metavar="OFFSET", help="all messages before this offset")
    which.add_argument("--past", action="store_true", help="the one message that would be read next")
    which.add_argument("--cancel", action="store_true", help="take back a skip that is not over yet")


async def run(service: str, settings: ConsumerSettings, arguments: Namespace) -> str:
    """Runs one command and returns what to print; raises `RuleBroken` for what cannot be done.

    Raises `TransientError` when Kafka or the document store does not answer.
    """
    mongo = Mongo(settings.mongo)
    try:
        commands = _ConsumerCommands(service, settings.kafka, ControlRepository(mongo))
        return await commands.run(arguments)
    except KafkaError as error:
        raise TransientError(f"Kafka at {settings.kafka.servers} does not answer: {error!r}") from error
    finally:
        await mongo.close()


class _ConsumerCommands:
    """The commands of one service."""

    def __init__(self, service: str, kafka: KafkaSettings, repository: ControlRepository) -> None:
        self._service, self._kafka, self._repository = service, kafka, repository
        self._offsets = GroupOffsets(kafka, service)

    async def run(self, arguments: Namespace) -> str:
        match arguments.command:
            case "list":
                return await self._list()
            case "pause":
                return await self._pause(arguments)
            case "resume":
                return await self._resume(arguments)
            case _:
                return await self._skip(arguments)

    async def _list(self) -> str:
        progress = await measure(self._kafka, await self._offsets.committed(consumed_topics(self._service)))
        held_up: dict[TopicPartition, Sequence[str]] = {}
        for control in await self._repository.find_all():
            held_up[control.partition] = [*held_up.get(control.partition, ()), _describe(control)]
        heads: _Row = ("topic", "partition", "committed", "end", "lag", "held up")
        rows = [
            _row(each, held_up.get(each.partition, ()))
            for each in sorted(progress, key=attrgetter("partition"))
        ]
        return _table([heads, *rows])

    async def _pause(self, arguments: Namespace) -> str:
        partitions = [each.partition for each in await self._find(arguments.where)]
        _check_reason(arguments.reason)
        now = datetime.now(UTC)
        await self._repository.put([Pause(p, arguments.reason, arguments.by, now) for p in partitions])
        return f"{_describe_partitions(partitions)} paused: {_SOON}"

    async def _resume(self, arguments: Namespace) -> str:
        partitions = [each.partition for each in await self._find(arguments.where)]
        if not await self._repository.remove_pauses(partitions):
            raise RuleBroken(f"{arguments.where} is not paused: `consumers list` shows what is")
        return f"{_describe_partitions(partitions)} resumed: {_SOON}"

    async def _skip(self, arguments: Namespace) -> str:
        if ":" not in arguments.where:
            raise RuleBroken(f"{arguments.where} names no partition: write {arguments.where}:0")
        [progress] = await self._find(arguments.where)
        if arguments.cancel:
            if not await self._repository.remove_skip(progress.partition):
                raise RuleBroken(f"no messages of {arguments.where} are to be skipped")
            return f"{arguments.where} skips nothing more: {_SOON}"
        _check_reason(arguments.reason)
        before = _offset_past(progress) if arguments.past else _checked_offset(arguments.before, progress)
        skip = Skip(progress.partition, before, arguments.reason, arguments.by, datetime.now(UTC))
        await self._repository.put([skip])
        return f"{arguments.where} sets aside {progress.start:,} to {before - 1:,} as dead letters: {_SOON}"

    async def _find(self, where: str) -> Sequence[PartitionProgress]:
        """Returns the partition that is named, or all of a topic."""
        topic, colon, number = where.partition(":")
        if topic not in consumed_topics(self._service):
            known = ", ".join(consumed_topics(self._service))
            raise RuleBroken(f"{self._service} does not consume {topic!r}; it consumes {known}")
        committed = await self._offsets.committed([topic])
        if colon:
            wanted = [partition for partition in committed if str(partition.partition) == number]
            if not wanted:
                last = len(committed) - 1
                raise RuleBroken(f"{topic} has partitions 0 to {last}, and none called {number!r}")
            committed = {partition: committed[partition] for partition in wanted}
        return sorted(await measure(self._kafka, committed), key=attrgetter("partition"))


def _offset_past(progress: PartitionProgress) -> int:
    if progress.first_waiting is None:
        raise RuleBroken("no message waits in this partition: there is nothing to skip")
    return progress.first_waiting + 1


def _checked_offset(before: int, progress: PartitionProgress) -> int:
    if before < 0:
        raise RuleBroken(f"offset {before} is negative: offsets begin with 0")
    if before > progress.end:
        raise RuleBroken(f"offset {before} lies beyond the end of the partition, {progress.end}")
    if before <= progress.start:
        raise RuleBroken(f"the group is at offset {progress.start} already: nothing before {before} waits")
    return before


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise RuleBroken("--reason says nothing: whoever finds the partition held up must learn why")


def _row(progress: PartitionProgress, held_up: Sequence[str]) -> _Row:
    committed = "-" if progress.committed is None else f"{progress.committed:,}"
    partition = progress.partition
    numbers = str(partition.partition), committed, f"{progress.end:,}", str(progress.lag)
    return (partition.topic, *numbers, "; ".join(held_up))


def _describe(control: Pause | Skip) -> str:
    what = f"skip before {control.before:,}" if isinstance(control, Skip) else "paused"
    return f"{what} by {control.by} since {control.at:%Y-%m-%d %H:%M} UTC: {control.reason}"


def _table(rows: Sequence[_Row]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = (
        "  ".join(
            text.rjust(width) if 0 < column < len(row) - 1 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _describe_partitions(partitions: Sequence[TopicPartition]) -> str:
    numbers = ", ".join(str(partition.partition) for partition in partitions)
    return f"{partitions[0].topic}, partition {numbers},"


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "an operator"
