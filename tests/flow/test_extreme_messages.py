"""Messages that are valid by contract and as odd as they can be: no handler of any service fails on one."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from approval_env import a_request, an_approval_env, approved
from faststream.kafka import KafkaBroker, TestKafkaBroker
from in_process_system import consuming_brokers
from lines import a_line
from pydantic import ValidationError
from structlog.testing import capture_logs

from billing.approvals.models import ApprovalState, ClosedApprovals, WriteResult
from shared.contracts import MESSAGES, Message
from shared.contracts.psa_sync import QuantityRefused, QuantityWritten
from shared.kafka.pipeline import MAX_RECORDS
from shared.mongo import Mongo

EXAMPLES = Path(__file__).parents[1] / "contracts" / "examples"
CONSUMED = [model for model in MESSAGES if model.readers]
EXTREMES: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**63 - 1, -(2**63), 2**63, 1e300, -0.0, 0.1),
    *("", " ", "0", "-0", "-7", "true", "1e9", "999999999999", "-999999999999.000000000000000000000001"),
    *(
        "1E+9999999",
        "NaN",
        "Infinity",
        "$where",
        "a.b",
        "$",
        ".",
        "..",
        "\u0000",
        "\ud800",
        "ß",
        "İ",
        "\u202e",
    ),
    *("x" * 200, "\U0001f600" * 200, "%", ":", "%3A", "/", "__proto__", "_id"),
    *("0001-01-01", "9999-12-31", "1970-01-01", "2026-02-29"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59.999999-14:00"),
    *("9999-12-31T23:59:59.999999Z", "8999-12-31T23:59:59-14:00", "P3650D", "PT0.000001S"),
    *([], ["a"], ["$x", "a.b"], {}, {"$x": 1}, {"a.b": 1}, {".": 2**63 - 1}, {"_id": 0, "$": -1}),
]

NOBODY_APPROVED = ("psa-sync.quantity-written.v1", "psa-sync.quantity-refused.v1")
TENANT_IN_ID = (
    "auth.integration-connected.v1",
    "auth.integration-changed.v1",
    "psa-sync.write-quantity.v1",
    "psa-sync.cancel-write.v1",
)
"""No other tenant has the id: an integration's is made of its tenant's, an approval's is random."""


PARTS = ("vendor-sync.account-read.v1", "psa-sync.account-read.v1")
"""Parts of one manifest that say different things contradict each other: each is of an account of its own."""


def variants(model: type[Message]) -> Iterator[bytes]:
    """Yields every example of a message with each of its fields, at any depth, replaced by each extreme."""
    for path in sorted((EXAMPLES / model.topic).glob("*.json")):
        example = json.loads(path.read_text())
        for number, changed in enumerate(_changed(example)):
            if model.topic in PARTS and changed.get("account_id") == example["account_id"]:
                changed["account_id"] = f"{path.stem}-{number}"
            if model.topic not in TENANT_IN_ID or changed.get("tenant_id") == example["tenant_id"]:
                yield json.dumps(changed).encode()


def _changed(value: Any) -> Iterator[Any]:
    fields: list[Any] = (
        list(value) if isinstance(value, dict) else [*range(len(value))] if isinstance(value, list) else []
    )
    for name in fields:
        for inner in [*EXTREMES, *_changed(value[name])]:
            copy = value.copy()
            copy[name] = inner
            yield copy


def is_valid(model: type[Message], body: bytes) -> bool:
    try:
        model.model_validate_json(body)
    except ValidationError:
        return False
    return True


@pytest.fixture(scope="module")
async def brokers(mongo_url: str) -> AsyncIterator[dict[str, KafkaBroker]]:
    every = consuming_brokers(mongo_url)
    async with TestKafkaBroker(*every.values()):
        yield every


@pytest.mark.parametrize("model", CONSUMED, ids=lambda model: model.topic)
async def test_no_message_that_is_valid_makes_a_handler_fail(
    model: type[Message], brokers: dict[str, KafkaBroker]
) -> None:
    bodies = [body for body in variants(model) if is_valid(model, body)]
    assert len(bodies) > 10

    for service in model.readers:
        every: list[Any] = brokers[service].subscribers
        [subscriber] = [each for each in every if model.topic in each.topic_names]
        for start in range(0, len(bodies), MAX_RECORDS):
            batch = bodies[start : start + MAX_RECORDS]
            records = [a_record(model.topic, start + n, body) for n, body in enumerate(batch)]
            with capture_logs() as events:
                await subscriber.process_message(tuple(records))
            letters = [event for event in events if event["event"] == "message_dead_lettered"]
            reasons = {letter["error"].partition(":")[0] for letter in letters}
            assert reasons == ({"NotFound"} if model.topic in NOBODY_APPROVED else set())


@pytest.mark.parametrize("model", [QuantityWritten, QuantityRefused], ids=lambda model: model.topic)
async def test_every_valid_result_closes_the_approval_that_it_names(
    model: type[WriteResult], mongo: Mongo
) -> None:
    env = await an_approval_env(mongo, a_line())
    approval = approved(*await env.service.approve(a_request(a_line()))).approval
    results = [model.model_validate_json(body) for body in variants(model) if is_valid(model, body)]
    own = [
        result.model_copy(update={"tenant_id": "demo", "approval_id": f"apr_{n}"})
        for n, result in enumerate(results)
    ]
    open_ones = [
        approval.model_copy(
            update={"approval_id": result.approval_id, "agreement_line_id": result.approval_id}
        )
        for result in own
    ]
    await env.approvals.close("demo", [], lambda _: ClosedApprovals(tuple(open_ones), ()))

    await env.results.record(own)

    closed = [await env.approvals.get("demo", each.approval_id) for each in open_ones]
    assert len(closed) > 50
    assert all(each and each.state is not ApprovalState.COMMANDED for each in closed)


def a_record(topic: str, offset: int, body: bytes) -> ConsumerRecord:
    return ConsumerRecord(topic, 0, offset, 0, 0, b"k", body, None, 1, len(body), ())
