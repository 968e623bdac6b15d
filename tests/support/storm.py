"""`make storm`: thousands of malformed messages into every topic, and good ones behind them.

Afterwards every service must be ready, have caught up, have set aside each bad message for each group that
reads it, and have handled the good ones. The table says so by service; a fault ends the run with code 1.
"""

# Messages are told apart by their origin, topic:partition:offset. The good ones are the recorded examples of
# the contracts, except those about an approval: it is not ours, so billing rightly sets them aside.

import argparse
import asyncio
import logging
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from shared.contracts import MESSAGES, Message
from shared.contracts.psa_sync import CancelWrite, QuantityRefused, QuantityWritten, WriteQuantity
from shared.kafka import client_options, dead_letter_topic
from shared.kafka.group_offsets import GroupOffsets
from shared.kafka.groups import consumed_topics
from shared.kafka.lag import Lag, measure
from shared.kafka.topics import CONSUMING_SERVICES, TopicLayout
from shared.runtime.settings import KafkaSettings
from standalone import signals
from standalone.data_dir import locked
from standalone.startup_order import print_line
from standalone.system import System

DATA = Path(".trueup/storm")
EXAMPLES = Path(__file__).parents[1] / "contracts" / "examples"
SETTLED_SECONDS = 600.0
_POLL_SECONDS = 0.5
_LOOK_SECONDS = 5.0
_PARTITIONS = TopicLayout().partitions

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, body and headers."""

BAD: tuple[Record, ...] = (
    (b"k", b"not json \xff", []),
    (b"k", None, []),
    (b"\xff\xfe\x00", b"{}", []),
    (None, b'{"tenant_id": "demo"}', []),
    (b"k", b"[" * 10_000, []),
    (b"k", b'{"tenant_id": "\\ud800"}', []),
    (b"k", b'{"revision": ' + b"9" * 5_000 + b"}", []),
    (b"k", b'{"quantity": 1E+9999999}', []),
    (b"k", b"null", [(f"h{number}", b"x" * 100) for number in range(300)]),
    (b"k", b'{"other": "kind"}', [("ce_type", b"somebody.else.v1"), ("x-origin", b"elsewhere:0:1")]),
    (b"k" * 20_000, b"{" * 20_000, []),
)


ABOUT_AN_APPROVAL = (WriteQuantity, CancelWrite, QuantityWritten, QuantityRefused)

Origin = tuple[str, int, int]
"""Topic, partition and offset."""


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """How a service came through the storm."""

    service: str
    groups: int
    letters: int
    missing: int
    """Bad messages that were not set aside."""
    harmed: int
    """Good messages that were."""
    ready: bool
    degraded: int
    """How many of its groups said so meanwhile: an alarm is over by itself."""
    lag: Lag

    @property
    def faults(self) -> list[str]:
        """Names what must be so and is not."""
        rules = {
            "it is not ready": self.ready,
            f"its lag is {self.lag}": self.lag == Lag(0, 0),
            f"{self.missing:,} bad messages were not set aside": not self.missing,
            f"{self.harmed:,} good messages were set aside": not self.harmed,
            "not each of its groups is degraded": self.degraded == self.groups,
        }
        return [f"{self.service}: {fault}" for fault, holds in rules.items() if not holds]


async def run(system: System, messages: int) -> list[ServiceOutcome]:
    """Sends so many bad messages into each topic; returns how each service is once it has caught up."""
    kafka = system.servers.kafka
    async with AIOKafkaConsumer(
        *map(dead_letter_topic, CONSUMING_SERVICES), **client_options(kafka), auto_offset_reset="earliest"
    ) as reader:
        bad, good = await _send(kafka, messages)
        expected = {
            service: {origin for origin in bad if origin[0] in consumed_topics(service)}
            for service in CONSUMING_SERVICES
        }
        degraded: dict[str, set[str]] = {service: set() for service in CONSUMING_SERVICES}
        async with _watched(system, degraded):
            letters = await _read_letters(reader, expected)
    return [
        ServiceOutcome(
            service,
            groups=len(consumed_topics(service)),
            letters=letters[service].total(),
            missing=len(expected[service] - letters[service].keys()),
            harmed=len(good & letters[service].keys()),
            lag=await _settled_lag(kafka, service),
            ready=(await _report(system.urls[service]))["ok"],
            degraded=len(degraded[service]),
        )
        for service in CONSUMING_SERVICES
    ]


@asynccontextmanager
async def _watched(system: System, degraded: dict[str, set[str]]) -> AsyncIterator[None]:
    """Notes which groups are degraded, while the block runs and once more at its end."""

    async def look() -> None:
        for service, groups in degraded.items():
            groups.update((await _report(system.urls[service]))["degraded"])

    async def look_again_and_again() -> None:
        while True:
            await look()
            await asyncio.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look_again_and_again())
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    await look()


async def _send(kafka: KafkaSettings, messages: int) -> tuple[set[Origin], set[Origin]]:
    """Returns the origins of the bad messages and of the good ones behind them."""
    bad, good = set[Origin](), set[Origin]()
    async with AIOKafkaProducer(**client_options(kafka), linger_ms=20, max_batch_size=256 * 1024) as producer:
        for message in MESSAGES:
            bad |= await _send_all(producer, message.topic, _storm(messages, compacted=message.compacted))
            if message not in ABOUT_AN_APPROVAL:
                good |= await _send_all(producer, message.topic, _examples(message))
    return bad, good


async def _send_all(producer: AIOKafkaProducer, topic: str, records: Iterable[Record]) -> set[Origin]:
    pending = [
        await producer.send(topic, body, key=key, headers=headers, partition=number % _PARTITIONS)
        for number, (key, body, headers) in enumerate(records)
    ]
    return {(topic, sent.partition, sent.offset) for sent in await asyncio.gather(*pending)}


def _storm(messages: int, *, compacted: bool) -> Iterator[Record]:
    """A compacted topic takes no message without a key."""
    for key, body, headers in islice(cycle(BAD), messages):
        yield (key or b"k") if compacted else key, body, headers


def _examples(message: type[Message]) -> Iterator[Record]:
    """Each example once for each partition."""
    for path in sorted((EXAMPLES / message.topic).glob("*.json")):
        good = message.model_validate_json(path.read_text("utf-8"))
        yield from [(good.key.encode(), good.model_dump_json().encode(), [])] * _PARTITIONS


async def _read_letters(
    reader: AIOKafkaConsumer, expected: Mapping[str, set[Origin]]
) -> dict[str, Counter[Origin]]:
    """Reads letters until all that are expected are there, or the time is over."""
    services = {dead_letter_topic(service): service for service in expected}
    letters: dict[str, Counter[Origin]] = {service: Counter() for service in expected}
    until = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < until and any(expected[name] - letters[name].keys() for name in expected):
        for partition, records in (await reader.getmany(timeout_ms=500)).items():
            letters[services[partition.topic]].update(map(_origin, records))
    return letters


def _origin(letter: ConsumerRecord) -> Origin:
    topic, partition, offset = dict(letter.headers)["x-origin"].decode().rsplit(":", 2)
    return topic, int(partition), int(offset)


async def _report(url: str) -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        return (await client.get(f"{url}/health/ready")).json()


async def _settled_lag(kafka: KafkaSettings, service: str) -> Lag:
    """The last letters are published a moment before their offsets are committed."""
    until = time.monotonic() + 60
    while True:
        committed = await GroupOffsets(kafka, service).committed(consumed_topics(service))
        lags = [progress.lag for progress in await measure(kafka, committed)]
        lag = Lag(sum(each.at_least for each in lags), sum(each.at_most for each in lags))
        if lag == Lag(0, 0) or time.monotonic() > until:
            return lag
        await asyncio.sleep(_POLL_SECONDS)


def print_table(outcomes: list[ServiceOutcome]) -> None:
    print_line(f"{'service':<12} {'groups':>6} {'letters':>8} {'missing':>8}  ready  degraded   lag")
    for each in outcomes:
        ready, degraded = "yes" if each.ready else "NO", f"{each.degraded} groups"
        numbers = f"{each.groups:>6} {each.letters:>8,} {each.missing:>8,}"
        print_line(f"{each.service:<12} {numbers}  {ready:<5}  {degraded:<9}  {each.lag}")
    for fault in (fault for each in outcomes for fault in each.faults):
        print_line(f"WRONG  {fault}")


async def flood(system: System, messages: int) -> int:
    """Lets a storm loose on a system that runs; prints how it came through, and returns the exit code."""
    print_line(f"storm: {messages:,} bad messages into each of {len(MESSAGES)} topics")
    started = time.monotonic()
    outcomes = await run(system, messages)
    print_table(outcomes)
    print_line(f"caught up after {time.monotonic() - started:.0f} s")
    return 1 if any(each.faults for each in outcomes) else 0


async def _main(messages: int, data: Path) -> int:
    with locked(data):
        shutil.rmtree(data / "system", ignore_errors=True)
        async with System(data_dir=data / "system", seed=7, report=lambda _: None) as system:
            return await flood(system, messages)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2_000, help="into each topic")
    parser.add_argument("--data", type=Path, default=DATA, help="emptied before it starts")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    raise SystemExit(signals.run(_main(given.messages, given.data)))
