"""Results of writes that come while the document store refuses: they are waited for, and none is lost."""

import pytest
from approval_env import a_request, an_approval_env, approved
from faststream.kafka import KafkaBroker, TestKafkaBroker
from interleaving import RefusingMongo
from lines import a_line
from outcomes import written
from pymongo.errors import OperationFailure
from recording_handler import WITHOUT_PAUSES, a_record

from billing.approvals.models import ApprovalState, ClosedApprovals
from shared.contracts.psa_sync import QuantityWritten
from shared.errors import TransientError
from shared.kafka import consume, dead_letter_topic, make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings

NOT_AUTHORISED = OperationFailure("not authorized on billing to execute command { update }", 13)


async def test_store_error_13_during_a_batch_of_50_leaves_no_approval_commanded_for_ever(
    mongo: Mongo,
) -> None:
    store = RefusingMongo(mongo, NOT_AUTHORISED)
    env = await an_approval_env(store, a_line())
    approval = approved(*await env.service.approve(a_request(a_line()))).approval
    approvals = [
        approval.model_copy(update={"approval_id": f"apr_{n}", "agreement_line_id": f"add_{n}"})
        for n in range(50)
    ]
    await env.approvals.close("demo", [], lambda _: ClosedApprovals(tuple(approvals), ()))
    letters: list[bytes] = []
    broker = a_broker(letters)
    consume(broker, QuantityWritten, env.results.record, service="billing", policy=WITHOUT_PAUSES)
    [subscriber] = [each for each in broker.subscribers if QuantityWritten.topic in each.topic_names]  # type: ignore[attr-defined]
    batch = tuple(a_record(n, written(each).model_dump_json().encode()) for n, each in enumerate(approvals))

    async with TestKafkaBroker(broker):
        store.refusals = 100
        with pytest.raises(TransientError):
            await subscriber.process_message(batch)
        store.refusals = 0
        await subscriber.process_message(batch)  # Kafka brings it again

    closed = [await env.approvals.get("demo", each.approval_id) for each in approvals]
    assert {each.state for each in closed if each} == {ApprovalState.WRITTEN}
    assert letters == []


def a_broker(letters: list[bytes]) -> KafkaBroker:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "billing")

    @broker.subscriber(dead_letter_topic("billing"), group_id="reader")
    async def read(letter: bytes) -> None:
        letters.append(letter)

    return broker
