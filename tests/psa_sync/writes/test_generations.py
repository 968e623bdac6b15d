"""A write whose integration is connected anew: it goes on with the new credentials, or waits for them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from psa import FakePsa
from writes import EIGHT, LINE, TEN, KillingIntentStore, WriteHarness, a_write, connected, only_message

from psa_sync.writes.intent import Intent, WriteStage
from shared.contracts import Message
from shared.contracts.psa_sync import QuantityWritten
from shared.errors import ConnectedAnew
from shared.mongo import Mongo
from shared.sync_engine.models import IntegrationState


@dataclass
class Opened:
    """Opens a PSA, and keeps for which generation it was opened."""

    psa: FakePsa
    generations: list[int] = field(default_factory=list)

    @asynccontextmanager
    async def connect(self, integration: IntegrationState) -> AsyncIterator[FakePsa]:
        self.generations.append(integration.generation)
        yield self.psa


@dataclass
class ReconnectingIntentStore(KillingIntentStore):
    """The integration is connected anew right after the PSA has acknowledged the write."""

    harness: WriteHarness | None = None

    async def save(self, intent: Intent, messages: Sequence[Message] = ()) -> Intent:
        stored = await KillingIntentStore.save(self, intent, messages)
        if intent.stage is WriteStage.SENT and self.harness:
            await self.harness.integrations.on_connected(connected(generation=2))
        return stored


async def test_a_line_is_read_back_with_the_credentials_that_are_connected_by_then(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    opened = Opened(harness.psa)
    harness.connect = opened.connect
    harness.intents = ReconnectingIntentStore(harness.writes, harness=harness)
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    await harness.work_once()

    assert opened.generations == [1, 2]
    assert harness.psa.held_lines["901"].quantity == TEN


async def test_a_write_that_auth_refuses_for_a_former_generation_waits_and_sends_nothing(
    mongo: Mongo,
) -> None:
    harness = WriteHarness(mongo)
    harness.psa.faults["line 901"] = [ConnectedAnew("its generation is 2, not 1")]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    await harness.work_once()

    assert (harness.psa.sent, harness.psa.held_lines["901"].quantity) == ([], EIGHT)
    intent = await harness.writes.next_unfinished(LINE)
    assert intent is not None
    assert (intent.stage, intent.delays) == (WriteStage.WAITING, 1)


async def test_a_write_that_auth_refuses_right_before_it_is_sent_was_not_sent(mongo: Mongo) -> None:
    harness = WriteHarness(mongo)
    harness.psa.faults["write 901"] = [ConnectedAnew("its generation is 2, not 1")]
    await harness.connect_integration()
    await harness.writes.receive([a_write()])

    await harness.work_once()
    sent_at_first = list(harness.psa.sent)
    await harness.work_until_done()

    assert (sent_at_first, harness.psa.applied) == ([], [("901", TEN)])
    only_message(await harness.outbox_messages(), QuantityWritten)
