"""The write protocol on a real document store: commands in, workers killed, new ones started."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from psa import FakePsa, Killed, a_line
from run_env import Published

from psa_sync.runs.ports import Connect, LineRef
from psa_sync.writes.intent import Intent, Result
from psa_sync.writes.repository import WriteRepository
from psa_sync.writes.writer import QuantityWriter
from shared.contracts import Message
from shared.contracts.auth import IntegrationChanged, IntegrationConnected, IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.psa_sync import AgreementLineObserved, PsaCredentialsRejected, WriteQuantity
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.leases import LeaseLost, Leases
from shared.sync_engine.change_publisher import ChangePublisher, LeaseFence
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import IntegrationState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EIGHT, TEN = Decimal(8), Decimal(10)
LINE = LineRef("demo", "int_1", "901")
M = TypeVar("M", bound=Message)
TOPICS: dict[str, Any] = {model.topic: model for model in (*Result.__args__, PsaCredentialsRejected)}


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
        valid_until=NOW + timedelta(hours=1),
    )


def the_only(said: list[Message], kind: type[M]) -> M:
    """The one message that was said, which is of this kind."""
    (message,) = said
    assert isinstance(message, kind)
    return message


@dataclass
class KilledAt:
    """A store that dies once, right before or right after the named step is stored."""

    writes: WriteRepository
    step: str = ""

    async def head(self, of: LineRef) -> Intent | None:
        return await self.writes.head(of)

    async def save(self, intent: Intent) -> Intent:
        return await self._dying(intent.stage.value, self.writes.save(intent))

    async def finish(self, intent: Intent, messages: Any) -> Intent:
        return await self._dying("finish", self.writes.finish(intent, messages))

    async def _dying(self, name: str, call: Coroutine[Any, Any, Intent]) -> Intent:
        if self.step == f"before {name}":
            self.step = ""
            call.close()
            raise Killed
        done = await call
        if self.step == f"after {name}":
            self.step = ""
            raise Killed
        return done


@dataclass
class Bench:
    """One psa-sync with one fake PSA; time moves only when told."""

    mongo: Mongo
    psa: FakePsa = field(default_factory=lambda: FakePsa(holds={"901": a_line()}))
    kafka: Published = field(default_factory=Published)
    now: datetime = NOW
    deaths: int = 0
    door: Connect | None = None
    """To another PSA than the fake one."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.PSA)
        self.writes = WriteRepository(self.mongo, Outbox(self.mongo, "psa-sync"), self.clock)
        self.intents = KilledAt(self.writes)

    def clock(self) -> datetime:
        return self.now

    def writer(self) -> QuantityWriter:
        return QuantityWriter(
            self.intents, self.integrations, self.door or self.psa.connect, self.observe, self.clock
        )

    def observe(self, known: IntegrationState, lease: LeaseFence) -> ChangePublisher:
        ids = {"tenant_id": known.tenant_id, "integration_id": known.integration_id}
        return ChangePublisher(self.mongo, self.kafka, lease=lease, **ids)

    async def connect(
        self, status: IntegrationStatus = IntegrationStatus.ACTIVE, *, revision: int = 1
    ) -> None:
        event = connected().model_dump() | {"status": status, "revision": revision}
        await self.integrations.connected(connected())
        await self.integrations.changed(IntegrationChanged.model_validate(event))

    async def once(self, line: LineRef = LINE) -> None:
        """One worker works on the line until there is nothing to do now, or until it is killed."""
        lease = await Leases(self.mongo).take("write", timedelta(minutes=3))
        assert lease
        try:
            await self.writer().write(line, lease)
        except Killed:
            self.deaths += 1
        finally:
            await lease.release()

    async def overtaken(self, line: LineRef = LINE) -> None:
        """A worker that is paused while it reads, until its lease is another's."""
        lease = await Leases(self.mongo).take("write", timedelta(minutes=3))
        assert lease
        self.psa.meddle = lambda *_: setattr(lease, "monotonic_deadline", 0.0)
        with pytest.raises(LeaseLost):
            await self.writer().write(line, lease)
        self.psa.meddle = lambda *_: None
        await lease.release()

    async def settle(self, line: LineRef = LINE, *, rounds: int = 60) -> None:
        """Worker after worker, half a minute apart, until every write to the line has ended."""
        for _ in range(rounds):
            await self.once(line)
            if await self.writes.head(line) is None:
                return
            self.now += timedelta(seconds=31)
        raise AssertionError("the writes did not end")

    async def write(self, *commands: WriteQuantity) -> list[Message]:
        """Ask for writes and carry them to their end; what was said through the outbox."""
        await self.connect()
        await self.writes.ask(commands)
        await self.settle()
        return await self.said()

    async def said(self) -> list[Message]:
        rows = await self.mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [TOPICS[row["topic"]].model_validate_json(bytes(row["body"])) for row in rows]

    def observed(self) -> list[Decimal | None]:
        """The quantities that were published of the line, in order."""
        return [seen.quantity for seen in self.kafka.messages if isinstance(seen, AgreementLineObserved)]


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
