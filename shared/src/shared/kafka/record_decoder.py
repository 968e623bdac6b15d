"""Decodes each record of a batch on its own, so that one bad record does not fail its neighbours."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from aiokafka import ConsumerRecord

from shared.contracts import Message
from shared.errors import UnexpectedResponse
from shared.kafka.dead_letters import RejectedRecord, rejection_of

M = TypeVar("M", bound=Message)


async def decode(
    model: type[M], records: Sequence[ConsumerRecord]
) -> tuple[list[tuple[ConsumerRecord, M]], list[RejectedRecord]]:
    """Returns the messages with their records, and the records that are no such message."""
    decoded: list[tuple[ConsumerRecord, M]] = []
    rejected: list[RejectedRecord] = []
    for record in records:
        try:
            _check_type(model, record)
            decoded.append((record, model.model_validate_json(record.value or b"")))
        except Exception as error:  # noqa: BLE001  anyone's bytes may raise anything, and stop nothing
            rejected.append(rejection_of(record, getattr(record, "error", error)))
            # A megabyte of faults takes seconds to validate: between two the consumer must send heartbeats.
            await asyncio.sleep(0)
    return decoded, rejected


def _check_type(model: type[M], record: ConsumerRecord) -> None:
    for name, value in record.headers:
        if name == "ce_type" and value != model.topic.encode():
            raise UnexpectedResponse(f"{record.topic} carries {model.topic}, not {(value or b'')[:100]!r}")
