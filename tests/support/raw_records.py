"""Sends records that no client library would build: anyone who speaks Kafka's protocol may."""

import struct
import time

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from shared.kafka import client_options
from shared.runtime.settings import KafkaSettings

_CRC, _CHECKED = slice(17, 21), slice(21, None)
"""Where a batch of format 2 has its checksum, and what that is of."""


async def send_unreadable(kafka: KafkaSettings, partition: TopicPartition) -> int:
    """Sends one record whose header has a name that is no UTF-8; returns its offset."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 100_000)
    builder.append(0, int(time.time() * 1000), b"k", b"v", [("NAME", b"v")])
    batch = bytearray(builder.build().replace(b"NAME", b"\xff\xfe\xff\xfe"))
    batch[_CRC] = struct.pack(">I", calc_crc32c(bytes(batch[_CHECKED])))
    client = AIOKafkaClient(**client_options(kafka))
    await client.bootstrap()
    try:
        await client.set_topics([partition.topic])
        answer = await client.send(
            client.cluster.leader_for_partition(partition),
            ProduceRequest(None, -1, 5_000, [(partition.topic, [(partition.partition, bytes(batch))])]),
        )
    finally:
        await client.close()
    [(_, [(_, error, offset, *_)])] = answer.topics
    assert not error
    return int(offset)
