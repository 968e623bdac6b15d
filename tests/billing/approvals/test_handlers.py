from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from approval_env import ApprovalEnv, a_request, an_approval_env, approved
from faststream.kafka import KafkaBroker, KafkaMessage, TestKafkaBroker
from lines import a_line
from outcomes import refused, written

from billing.approvals.handlers import register
from billing.approvals.models import Approval, ApprovalState
from shared.contracts import Message
from shared.contracts.quantity_write import WriteRefusal
from shared.kafka import dead_letter_topic, make_broker
from shared.mongo import Mongo
from shared.runtime.health import Health
from shared.runtime.settings import KafkaSettings


async def test_results_close_approvals_and_one_of_an_unknown_approval_becomes_a_dead_letter(
    mongo: Mongo,
) -> None:
    env = await an_approval_env(mongo, a_line(), a_line("line_2"))
    results = await env.service.approve(a_request(a_line(), a_line("line_2")))
    first, second = [approved(result).approval for result in results]
    dead_letters: list[str] = []

    async with consuming(env, dead_letters) as broker:
        await publish(broker, written(first))
        await publish(broker, refused(second, WriteRefusal.CONFLICT))
        await publish(broker, written(first.model_copy(update={"approval_id": "apr_unknown"})))

    states = [await state(env, approval) for approval in (first, second)]
    assert states == [ApprovalState.WRITTEN, ApprovalState.REFUSED]
    assert len(dead_letters) == 1
    assert "apr_unknown" in dead_letters[0]


@asynccontextmanager
async def consuming(env: ApprovalEnv, dead_letters: list[str]) -> AsyncIterator[KafkaBroker]:
    """Consumes on an in-memory broker; the errors of dead letters are added to the list."""
    broker = make_broker(KafkaSettings(servers="127.0.0.1:1"), "billing")
    register(broker, env.results, health=Health("billing"))

    @broker.subscriber(dead_letter_topic("billing"), group_id="reader", decoder=undecoded)
    async def read(letter: KafkaMessage) -> None:
        dead_letters.append(str(letter.headers["x-error"]))

    async with TestKafkaBroker(broker) as running:
        yield running


async def undecoded(message: KafkaMessage) -> KafkaMessage:
    return message


async def publish(broker: KafkaBroker, message: Message) -> None:
    await broker.publish(message.model_dump_json().encode(), message.topic, key=message.key.encode())


async def state(env: ApprovalEnv, approval: Approval) -> ApprovalState | None:
    found = await env.approvals.get("demo", approval.approval_id)
    return found.state if found else None
