"""An operator's commands on a real service, how far it has read, and a record that no client can read."""

import asyncio
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from pydantic import SecretStr
from raw_records import send_unreadable

from shared.contracts.vendor_sync import SyncVendor
from shared.errors import RuleBroken
from shared.kafka import client_options, consumer_commands
from shared.kafka.group_offsets import GroupOffsets
from shared.kafka.lag import Lag, measure
from shared.runtime.settings import KafkaSettings, MongoSettings
from standalone.services import service_environment
from standalone.system import System

pytestmark = pytest.mark.live

TOPIC, PARTITION = SyncVendor.topic, 3
WHERE = f"{TOPIC}:{PARTITION}"
SERVICE = "vendor-sync"


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """Of a service, what the commands need."""

    kafka: KafkaSettings
    mongo: MongoSettings


@pytest.fixture
async def producer(system: System) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(**client_options(system.servers.kafka)) as opened:
        yield opened


async def test_a_paused_partition_waits_and_goes_on_when_it_is_resumed(
    system: System, producer: AIOKafkaProducer
) -> None:
    assert "paused" in await said(system, "pause", WHERE, "--reason", "a bad build", "--by", "ann")
    await until(lambda: has_paused(system))
    offset = await send_bad(producer)
    await send_bad(producer, partition=PARTITION - 1)
    await until(lambda: has_lag(system, 0, partition=PARTITION - 1))

    assert await has_lag(system, 1)
    paused = await row(system)
    assert paused.split()[4] == "1"
    assert all(words in paused for words in ("paused by ann", "a bad build"))
    assert (await ready(system))["ok"]

    await said(system, "resume", WHERE)
    await until(lambda: has_lag(system, 0))
    assert "unreadable" not in (await letters_since(system, offset))[offset]


async def test_a_pause_outlives_the_process_that_it_was_asked_of(
    system: System, producer: AIOKafkaProducer
) -> None:
    await said(system, "pause", WHERE, "--reason", "a restart")
    await system.processes[SERVICE].stop()
    await send_bad(producer)
    await system.processes[SERVICE].start()

    await send_bad(producer, partition=PARTITION - 1)
    await until(lambda: has_lag(system, 0, partition=PARTITION - 1))

    assert await has_lag(system, 1)
    await said(system, "resume", WHERE)
    await until(lambda: has_lag(system, 0))


async def test_skipped_messages_become_letters_and_those_behind_them_are_handled(
    system: System, producer: AIOKafkaProducer
) -> None:
    await said(system, "pause", WHERE, "--reason", "poison")
    await until(lambda: has_paused(system))
    first, second, third = [await send_bad(producer) for _ in range(3)]

    await said(system, "skip", WHERE, "--past", "--reason", "poison", "--by", "ann")
    await said(system, "skip", WHERE, "--before", str(third), "--reason", "poison", "--by", "ann")
    assert f"skip before {third:,} by ann" in await row(system)
    await said(system, "resume", WHERE)
    await until(lambda: has_lag(system, 0))

    letters = await letters_since(system, first)
    assert [letters[first], letters[second]] == ["skipped by an operator: poison"] * 2
    assert letters[third].startswith("ValidationError")
    await until(lambda: says_not(system, "skip before"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("pause", "nobody.knows.v1", "--reason", "x"), "does not consume 'nobody.knows.v1'"),
        (("pause", f"{TOPIC}:9", "--reason", "x"), "has partitions 0 to 3"),
        (("pause", f"{TOPIC}:-1", "--reason", "x"), "has partitions 0 to 3"),
        (("pause", TOPIC, "--reason", " "), "--reason says nothing"),
        (("resume", WHERE), "is not paused"),
        (("skip", TOPIC, "--past", "--reason", "x"), "names no partition"),
        (("skip", WHERE, "--before", "-1", "--reason", "x"), "is negative"),
        (("skip", WHERE, "--before", "99999999", "--reason", "x"), "beyond the end"),
        (("skip", WHERE, "--before", "0", "--reason", "x"), "nothing before 0 waits"),
        (("skip", WHERE, "--past", "--reason", "x"), "nothing to skip"),
        (("skip", WHERE, "--past"), "--reason says nothing"),
        (("skip", WHERE, "--cancel"), "no messages"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_one_sentence(
    system: System, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(RuleBroken, match=re.escape(sentence)):
        await said(system, *arguments)


async def test_the_command_ends_with_code_0_and_a_table_or_with_code_1_and_a_sentence(system: System) -> None:
    listed, (code, _, errors) = await run(system, "list"), await run(system, "resume", WHERE)

    assert (listed[0], code) == (0, 1)
    assert f"{TOPIC} " in listed[1]
    assert f"{WHERE} is not paused" in errors
    assert "Traceback" not in errors


async def test_a_record_that_the_client_library_cannot_read_stops_nothing(
    system: System, producer: AIOKafkaProducer
) -> None:
    bad = await send_unreadable(system.servers.kafka, TopicPartition(TOPIC, PARTITION))
    behind = await send_bad(producer)

    await until(lambda: has_lag(system, 0))

    letters = await letters_since(system, bad)
    assert letters[bad].startswith("UnicodeDecodeError")
    assert letters[behind].startswith("ValidationError")


async def test_markers_of_transactions_are_no_lag(system: System) -> None:
    async with AIOKafkaProducer(
        **client_options(system.servers.kafka), transactional_id=f"test/{uuid4().hex}"
    ) as producer:
        async with producer.transaction():
            await send_bad(producer)
        await until(lambda: has_lag(system, 0))
        # The group may have committed before or behind the marker: it is no lag where it is still ahead.
        end = int((await row(system)).split()[3].replace(",", ""))
        [progress] = await measure(system.servers.kafka, {TopicPartition(TOPIC, PARTITION): end - 1})
        assert (progress.end, progress.lag) == (end, Lag(0, 0))

        await said(system, "pause", WHERE, "--reason", "to count")
        await until(lambda: has_paused(system))
        await producer.begin_transaction()
        for _ in range(3):
            await send_bad(producer)
        await producer.abort_transaction()

    assert await has_lag(system, 3)
    await said(system, "resume", WHERE)
    await until(lambda: has_lag(system, 0))


async def send_bad(producer: AIOKafkaProducer, *, partition: int = PARTITION) -> int:
    sent = await producer.send_and_wait(TOPIC, b"junk", key=b"k", partition=partition)
    return int(sent.offset)


async def run(system: System, *arguments: str) -> tuple[int, str, str]:
    """Runs `python -m vendor_sync consumers …` with the service's own settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "vendor_sync", "consumers", *arguments),
        env=dict(os.environ) | service_environment(SERVICE, system.context),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


async def said(system: System, *arguments: str) -> str:
    """Runs a command in this process, which starts much faster."""
    parser = ArgumentParser()
    consumer_commands.add_arguments(parser)
    settings = CommandSettings(
        system.servers.kafka,
        MongoSettings(url=SecretStr(system.servers.mongo_url), database=SERVICE),
    )
    return await consumer_commands.run(SERVICE, settings, parser.parse_args(arguments))


async def row(system: System) -> str:
    rows = (await said(system, "list")).splitlines()
    [found] = [line for line in rows if line.split()[:2] == [TOPIC, str(PARTITION)]]
    return found


async def has_lag(system: System, lag: int, *, partition: int = PARTITION) -> bool:
    """As the command measures it, without a process for each look."""
    place = TopicPartition(TOPIC, partition)
    offsets = await GroupOffsets(system.servers.kafka, SERVICE).committed([TOPIC])
    [progress] = await measure(system.servers.kafka, {place: offsets[place]})
    return progress.lag == Lag(lag, lag)


async def says_not(system: System, text: str) -> bool:
    return text not in await row(system)


async def ready(system: System) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(f"{system.urls[SERVICE]}/health/ready")).json()


async def has_paused(system: System) -> bool:
    return "paused partitions" in (await ready(system))["degraded"]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await holds():
            await asyncio.sleep(0.2)


async def letters_since(system: System, since: int) -> dict[int, str]:
    """Returns the reasons of our partition's letters, by the offset of the message."""
    found: dict[int, str] = {}
    async with AIOKafkaConsumer(
        f"{SERVICE}.dead-letter.v1",
        **client_options(system.servers.kafka),
        auto_offset_reset="earliest",
    ) as reader:
        [(partition, end)] = (await reader.end_offsets(list(reader.assignment()))).items()
        while await reader.position(partition) < end:
            for records in (await reader.getmany(timeout_ms=200)).values():
                for headers in ({name: value.decode() for name, value in one.headers} for one in records):
                    topic, number, offset = headers["x-origin"].rsplit(":", 2)
                    if (topic, int(number)) == (TOPIC, PARTITION) and int(offset) >= since:
                        found[int(offset)] = headers["x-error"]
    return found
