"""Full runs of a fake PSA on a real document store."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from psa import FakePsa, a_line, an_agreement
from run_env import Board, Published, opened
from writes import connected

from psa_sync.app import PROFILE
from psa_sync.psa import CatalogueItem, Company
from psa_sync.runs.ports import Connect
from psa_sync.runs.repository import AgreementQueueRepository
from psa_sync.runs.run_definition import PsaRunDefinition
from shared.contracts import Message
from shared.contracts.base import Observation, RunKind, Side
from shared.contracts.psa_sync import PsaCredentialsRejected, PsaRunFinished
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.sync_engine.integrations import IntegrationStates
from shared.sync_engine.models import RunRequest
from shared.sync_engine.run_repository import RunRepository
from shared.sync_engine.run_worker import RunWorker, WorkerTools

O = TypeVar("O", bound=Observation)  # noqa: E741  one letter, as type variables have
SAID: dict[str, type[Message]] = {model.topic: model for model in (PsaRunFinished, PsaCredentialsRejected)}


def a_psa() -> FakePsa:
    """Two companies, two products, two agreements, three lines."""
    other = an_agreement("78")
    lines = [a_line("901"), a_line("902", "2.5"), a_line("911", "4", agreement=other)]
    return FakePsa(
        holds={line.line_id: line for line in lines},
        listed_companies=[Company("1", "AcmeCo", "Acme Co"), Company("2", "Contoso", "Contoso")],
        listed_products=[
            CatalogueItem("512", "EDR", "EDR", active=True),
            CatalogueItem("513", "AV", "AV", active=False),
        ],
        listed_agreements=[an_agreement(), other],
    )


@dataclass
class Site:
    """One psa-sync with one fake PSA; `sync` asks for a run and carries it to its end."""

    mongo: Mongo
    psa: FakePsa = field(default_factory=a_psa)
    kafka: Published = field(default_factory=Published)
    board: Board = field(default_factory=Board)
    syncs: int = 0
    connect: Connect | None = None
    """To another PSA than the fake one."""

    def __post_init__(self) -> None:
        self.integrations = IntegrationStates(self.mongo, Side.PSA)
        self.runs = RunRepository(self.mongo, self.integrations, Outbox(self.mongo, "psa-sync"), PROFILE.says)
        self.todo = AgreementQueueRepository(self.mongo)

    def worker(self) -> RunWorker:
        work = PsaRunDefinition(self.connect or self.psa.connect, self.todo, lambda: datetime.now(UTC))
        return RunWorker(self.runs, work, WorkerTools(self.mongo, opened(self.kafka), self.board))

    async def ask(self) -> None:
        self.syncs += 1
        await self.integrations.connected(connected())
        await self.runs.queue(RunRequest("demo", "int_1", f"sync_{self.syncs}", RunKind.FULL, "somebody"))

    async def sync(self) -> PsaRunFinished:
        """The end of one more run, from a PSA that was not called before."""
        self.kafka.messages.clear()
        self.psa.calls.clear()
        await self.ask()
        assert await self.worker().step()
        finished = [said for said in await self.said() if isinstance(said, PsaRunFinished)]
        return finished[-1]

    async def read(self, agreement_id: str) -> None:
        """Wait until the lines of this agreement are marked as read."""
        until = time.monotonic() + 60
        filter_ = {"agreement.agreement_id": agreement_id, "state": "done"}
        while not await self.mongo.all_tenants("todo").count(filter_):
            assert time.monotonic() < until, f"agreement {agreement_id} was not read"
            await asyncio.sleep(0.02)

    async def said(self) -> list[Message]:
        rows = await self.mongo.all_tenants("outbox").find(sort=[("seq", 1)])
        return [SAID[row["topic"]].model_validate_json(bytes(row["body"])) for row in rows]

    def published(self, model: type[O]) -> list[O]:
        """Of the last run."""
        return [seen for seen in self.kafka.messages if isinstance(seen, model)]
