from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from approval_env import Desk, a_desk, an_order
from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker
from lines import AT, PSA, VENDOR, a_line
from outcomes import refused, written

from billing.approvals.handlers import register
from billing.approvals.models import Approval, ApprovalState
from billing.runs.sync_repository import SyncRepository
from billing.runs.sync_requests import SyncRequestService
from shared.contracts import Message
from shared.contracts.matcher import MappingFinished
from shared.contracts.psa_sync import WriteRefusal
from shared.kafka import dead_letter_topic, make_broker
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings


async def test_results_close_approvals_and_a_stranger_is_set_aside(mongo: Mongo) -> None:
    desk = await a_desk(mongo, a_line(), a_line("line_2"))
    first, second = await approved(desk)
    letters: list[str] = []

    async with hearing(desk, letters) as broker:
        await say(broker, written(first))
        await say(broker, refused(second, WriteRefusal.CONFLICT))
        await say(broker, written(first.model_copy(update={"approval_id": "apr_unknown"})))

    assert [await state(desk, one) for one in (first, second)] == [
        ApprovalState.WRITTEN,
        ApprovalState.REFUSED,
    ]
    assert len(letters) == 1
    assert "apr_unknown" in letters[0]


async def test_a_finished_mapping_heard_twice_starts_one_sync(mongo: Mongo) -> None:
    desk = await a_desk(mongo)
    finished = MappingFinished(
        tenant_id="demo",
        vendor_integration_id=VENDOR,
        psa_integration_id=PSA,
        finish_id="fin_1",
        counts={},
        finished_by="ann",
        finished_at=AT,
    )

    async with hearing(desk, []) as broker:
        await say(broker, finished)
        await say(broker, finished)

    assert await mongo.documents("syncs", "demo").count() == 1
    assert await mongo.all_tenants("outbox").count() == 2


@asynccontextmanager
async def hearing(desk: Desk, letters: list[str]) -> AsyncIterator[KafkaBroker]:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "billing")
    syncing = SyncRequestService(SyncRepository(desk.mongo, desk.outbox), desk.connected)
    register(broker, results=desk.results, syncing=syncing, health=Health("billing"))

    @broker.subscriber(dead_letter_topic("billing"), group_id="reader", decoder=whole)
    async def read(letter: KafkaMessage) -> None:
        letters.append(str(letter.headers["x-error"]))

    async with TestKafkaBroker(broker) as running:
        yield running


async def whole(message: KafkaMessage) -> KafkaMessage:
    return message


async def say(broker: KafkaBroker, message: Message) -> None:
    await broker.publish(message.model_dump_json().encode(), message.topic, key=message.key.encode())


async def approved(desk: Desk) -> list[Approval]:
    results = await desk.approving.approve(an_order(a_line(), a_line("line_2")))
    return [one.approval for one in results if one.approval]


async def state(desk: Desk, approval: Approval) -> ApprovalState | None:
    found = await desk.approvals.get("demo", approval.approval_id)
    return found.state if found else None
