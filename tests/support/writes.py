"""Writes of psa-sync on a real document store: commands come in, workers are killed, new ones are started."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from psa import FakePsa, Killed, a_line
from run_env import RecordingPublisher

from psa_sync.runs.ports import Connect
from psa_sync.writes.intent import Intent, WriteResult
from psa_sync.writes.ports import LineRef
from psa_sync.writes.repository import WriteRepository
from psa_sync.writes.restores import WriteRestores
from psa_sync.writes.writer import QuantityWriter
from shared.contracts import Message
from shared.contracts.auth import IntegrationChanged, IntegrationConnected, IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.psa_sync import (
    AgreementLineObserved,
    CancelWrite,
    PsaCredentialsRejected,
    QuantityRefused,
    WriteQuantity,
)
from shared.contracts.quantity_write import LineTerms
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import LeaseLost, Leases
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import IntegrationState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EIGHT, TEN = Decimal(8), Decimal(10)
LINE = LineRef("demo", "int_1", "901")
TERMS = LineTerms(
    account_id="19297",
    product_id="512",
    billable=True,
    included=Decimal(0),
    unit_price=Decimal("3.5"),
    unit_cost=Decimal("1.2"),
    currency="USD",
)
"""The terms of the line that `psa.a_line` makes."""
M = TypeVar("M", bound=Message)
OUTBOX_MODELS: dict[str, Any] = {
    model.topic: model for model in (*WriteResult.__args__, PsaCredentialsRejected)
}


def a_write(
    target: str = "10", *, expected: str = "8", approval_id: str = "apr_1", line_id: str = "901"
) -> WriteQuantity:
    return WriteQuantity(
        tenant_id="demo",
        integration_id="int_1",
        agreement_id="77",
        line_id=line_id,
        approval_id=approval_id,
        expected_current=Decimal(expected),
        target=Decimal(target),
        terms=TERMS,
        tenant_currency="USD",
        day=NOW.date(),
        day_ends_at=NOW + timedelta(hours=12),
        decided_at=NOW,
        valid_until=NOW + timedelta(hours=1),
    )


def a_cancel(of: WriteQuantity) -> CancelWrite:
    return CancelWrite(
        tenant_id=of.tenant_id,
        integration_id=of.integration_id,
        line_id=of.line_id,
        approval_id=of.approval_id,
        reason="the mapping was revoked",
    )


def only_message(messages: list[Message], kind: type[M]) -> M:
    """Returns the one message that there is, which is of this kind."""
    (message,) = messages
    assert isinstance(message, kind)
    return message


@dataclass
class KillingIntentStore:
    """A store in which the worker is killed once, right before or right after a step is stored."""

    writes: WriteRepository
    kill_at: str = ""
    """`before` or `after`, and the stage that is stored, or `finish`; empty when nothing kills any more."""

    async def next_unfinished(self, line: LineRef) -> Intent | None:
        return await self.writes.next_unfinished(line)

    async def may_arrive_until(self, line: LineRef) -> datetime | None:
        return await self.writes.may_arrive_until(line)

    async def unanswered_targets(self, line: LineRef) -> set[Decimal]:
        return await self.writes.unanswered_targets(line)

    async def save(self, intent: Intent, messages: Sequence[Message] = ()) -> Intent:
        return await self._killing(intent.stage.value, self.writes.save(intent, messages))

    async def save_before_send(self, intent: Intent) -> Intent:
        return await self._killing(intent.stage.value, self.writes.save_before_send(intent))

    async def finish(self, intent: Intent, messages: Any) -> Intent:
        return await self._killing("finish", self.writes.finish(intent, messages))

    async def _killing(self, name: str, call: Coroutine[Any, Any, Intent]) -> Intent:
        if self.kill_at == f"before {name}":
            self.kill_at = ""
            call.close()
            raise Killed
        stored = await call
        if self.kill_at == f"after {name}":
            self.kill_at = ""
            raise Killed
        return stored


@dataclass
class WriteHarness:
    """Writing in one psa-sync with one fake PSA; time moves only when a test moves it."""

    mongo: Mongo
    psa: FakePsa = field(default_factory=lambda: FakePsa(held_lines={"901": a_line()}))
    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    now: datetime = NOW
    kills: int = 0
    connect: Connect | None = None
    """Opens another PSA than the fake one."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.PSA)
        self.writes = WriteRepository(self.mongo, Outbox(self.mongo, "psa-sync"), self.clock)
        self.restores = WriteRestores(self.mongo, self.clock)
        self.intents = KillingIntentStore(self.writes)

    async def clock(self) -> datetime:
        """Tells the store's time: that of the machine has no part in a write."""
        return self.now

    def writer(self) -> QuantityWriter:
        return QuantityWriter(
            self.intents,
            self.restores,
            self.integrations,
            self.connect or self.psa.connect,
            self.open_changes,
            self.clock,
        )

    def open_changes(self, integration: IntegrationState, lease: LeaseFence) -> ChangePublisher:
        return ChangePublisher(
            self.mongo,
            self.publisher,
            tenant_id=integration.tenant_id,
            integration_id=integration.integration_id,
            lease=lease,
        )

    async def connect_integration(
        self, status: IntegrationStatus = IntegrationStatus.ACTIVE, *, revision: int = 1
    ) -> None:
        event = connected().model_dump() | {"status": status, "revision": revision}
        await self.integrations.on_connected(connected())
        await self.integrations.on_changed(IntegrationChanged.model_validate(event))

    async def work_once(self, line: LineRef = LINE) -> None:
        """Lets one worker work on the line until nothing is due, or until it is killed."""
        lease = await Leases(self.mongo).take("write", timedelta(minutes=3))
        assert lease
        try:
            await self.writer().write(line, lease)
        except Killed:
            self.kills += 1
        finally:
            await lease.release()

    async def work_beyond_the_lease(self, line: LineRef = LINE) -> None:
        """Lets one worker work on the line that is paused while it reads, until its lease is over."""
        lease = await Leases(self.mongo).take("write", timedelta(minutes=3))
        assert lease
        self.psa.before_call = lambda *_: setattr(lease, "monotonic_deadline", 0.0)
        with pytest.raises(LeaseLost):
            await self.writer().write(line, lease)
        self.psa.before_call = lambda *_: None
        await lease.release()

    async def work_until_done(self, line: LineRef = LINE, *, rounds: int = 60) -> None:
        """Lets worker after worker work, half a minute apart, until every write to the line has ended."""
        for _ in range(rounds):
            await self.work_once(line)
            if await self.writes.next_unfinished(line) is None:
                return
            self.now += timedelta(seconds=31)
        raise AssertionError("the writes did not end")

    async def write(self, *commands: WriteQuantity) -> list[Message]:
        """Commands writes and carries them to their end; returns what was sent through the outbox."""
        await self.connect_integration()
        await self.writes.receive(commands)
        await self.work_until_done()
        return await self.outbox_messages()

    async def outbox_messages(self) -> list[Message]:
        rows = await self.mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [OUTBOX_MODELS[row["topic"]].model_validate_json(bytes(row["body"])) for row in rows]

    def observed_quantities(self) -> list[Decimal | None]:
        """Returns the quantities that were published of the line, in order."""
        messages = self.publisher.messages
        return [message.quantity for message in messages if isinstance(message, AgreementLineObserved)]


def connected(generation: int = 1) -> IntegrationConnected:
    return IntegrationConnected(
        tenant_id="demo",
        integration_id="int_1",
        side=Side.PSA,
        provider="connectwise",
        realm="api-na.myconnectwise.net/acme",
        name="ConnectWise",
        generation=generation,
        connected_at=NOW,
    )


async def the_refusal(harness: WriteHarness) -> QuantityRefused:
    """Returns the only refusal that the harness has sent."""
    return only_message(await harness.outbox_messages(), QuantityRefused)
