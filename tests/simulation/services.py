"""The services as simulated processes: their real objects over simulated stores, log and providers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from billing.app import Billing, BillingDependencies
from billing.feeds.models import FeedRules
from billing.settings import BillingRules
from billing.usage.calendar import TenantCalendar
from psa_sync import app as psa_sync_app
from shared.errors import TransientError
from shared.news_channel import announce_nothing
from shared.run_hold import RunHold
from shared.runtime.health import Health
from shared.runtime.jobs import Job
from shared.runtime.lifespan import LifespanHook
from shared.status_channel import RunStatus
from shared.sync_engine.sync_service import SyncDependencies
from tests.simulation.broker import Groups, SimulatedBroker
from tests.simulation.log import Log
from tests.simulation.marketplace import SimulatedMarketplace
from tests.simulation.network import Network
from tests.simulation.process import Process, moment
from tests.simulation.producer import SimulatedProducers
from tests.simulation.psa import SimulatedPsa
from tests.simulation.store.client import SimulatedMongo
from tests.simulation.store.database import Database
from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.world import LISTED_WITHIN_SECONDS, TENANT, World
from vendor_sync import app as vendor_sync_app

SERVICES = ("vendor-sync", "psa-sync", "billing")
RULES = BillingRules(
    tenants=(TenantCalendar(id=TENANT, currency="USD"),),
    run_patience=timedelta(minutes=10),
    approval_valid_for=timedelta(minutes=30),
    feeds=FeedRules(least_lines=1000),
)
_EAGER_FEEDS = FeedRules(least_lines=2)
_EAGER_SHARE = 0.3
"""Of the simulations so many have a feed breaker that holds runs which change little."""
_JOB_EVERY_FACTOR = 12
"""Jobs look so much less often than usual: nearly always they are woken, and a look takes real time."""
_CLOCK_ERRORS = (0.0, 0.0, 0.05, -0.2, 1.5, -2.5)


class StatusBoard:
    """The status channel: the newest status of each integration."""

    def __init__(self) -> None:
        self._statuses: dict[str, RunStatus] = {}

    async def report(self, status: RunStatus) -> int:
        self._statuses[status.integration_id] = status
        return 1

    async def show_holds(self, _tenant_id: str, _integration_id: str, _holds: Sequence[RunHold]) -> None:
        """Nobody looks."""

    async def snapshot(self, _: str) -> dict[str, RunStatus]:
        return dict(self._statuses)

    async def close(self) -> None:
        """Nothing is kept open."""


class UnreadNews:
    """The channel for news: nobody looks."""

    announce = staticmethod(announce_nothing)

    def job(self) -> Job:
        return Job("news", self._step, timedelta(hours=1))

    def degradation(self) -> None:
        """Nothing is ever wrong with it."""

    async def _step(self) -> bool:
        return False


@dataclass(slots=True)
class Surroundings:
    """What outlives every process."""

    loop: VirtualLoop
    random: Random
    network: Network
    log: Log
    groups: Groups
    world: World
    marketplace: SimulatedMarketplace
    psa: SimulatedPsa
    databases: dict[str, Database]
    rules: BillingRules
    board: StatusBoard = field(default_factory=StatusBoard)

    @classmethod
    def of(cls, seed: str) -> "Surroundings":
        loop = VirtualLoop(Random(f"{seed}/order"))  # type: ignore[abstract]  # it has what asyncio calls
        network, log = Network(loop, Random(f"{seed}/network")), Log(loop, Random(f"{seed}/log"))
        world, random = World(loop.time), Random(f"{seed}/surroundings")
        databases = {name: Database(name, lambda: moment(loop.time())) for name in SERVICES}
        marketplace, psa = SimulatedMarketplace(world, network, random), SimulatedPsa(world, network, random)
        is_eager = Random(f"{seed}/feeds").random() < _EAGER_SHARE
        rules = replace(RULES, feeds=_EAGER_FEEDS) if is_eager else RULES
        groups = Groups(log, network)
        return cls(loop, random, network, log, groups, world, marketplace, psa, databases, rules)


class Replica:
    """One process of a service, from its start to its end."""

    def __init__(self, surroundings: Surroundings, service: str, number: int) -> None:
        self.service, self._surroundings = service, surroundings
        error = timedelta(seconds=surroundings.random.choice(_CLOCK_ERRORS))
        self.process = Process(surroundings.loop, f"{service} {number}", clock_error=error)
        self.billing: Billing | None = None
        self.process.run(self._build)

    def _build(self) -> None:
        around, process = self._surroundings, self.process
        mongo = SimulatedMongo(around.databases[self.service], around.network, around.random)
        broker: Any = SimulatedBroker(
            process, around.log, around.network, groups=around.groups, random=around.random
        )
        health, jobs, hooks = self._build_service(mongo, broker)
        process.spawn(self._run(broker, health, jobs, hooks), "main")

    def _build_service(
        self, mongo: SimulatedMongo, broker: Any
    ) -> tuple[Health, Sequence[Job], Sequence[LifespanHook]]:
        around = self._surroundings
        board: Any = around.board
        producers = SimulatedProducers(self.process, around.log, around.network, self.service)
        if self.service == "billing":
            verifier: Any = None  # nobody comes by HTTP
            news: Any = UnreadNews()
            self.billing = Billing(BillingDependencies(mongo, broker, board, verifier, news), around.rules)
            return self.billing.health, self.billing.jobs(), self.billing.on_startup
        if self.service == "vendor-sync":
            marketplace: Any = around.marketplace
            vendor = SyncDependencies(mongo, broker, board, marketplace.connect, producers.open_publisher)
            service = vendor_sync_app.build(
                vendor,
                replace(vendor_sync_app.PROFILE, workers=2),
                renewals_listed_within=timedelta(seconds=LISTED_WITHIN_SECONDS),
            )
            return service.health, service.jobs, service.on_startup
        psa: Any = around.psa
        dependencies = SyncDependencies(mongo, broker, board, psa.connect, producers.open_publisher)
        service, write_jobs = psa_sync_app.build(dependencies, replace(psa_sync_app.PROFILE, workers=2))
        return service.health, (*service.jobs, *write_jobs[:1]), service.on_startup

    async def _run(
        self, broker: SimulatedBroker, health: Health, jobs: Sequence[Job], hooks: Sequence[LifespanHook]
    ) -> None:
        for hook in hooks:
            await _until_done(hook)
        broker.start()
        for job in jobs:
            job.every *= _JOB_EVERY_FACTOR
            self.process.spawn(job.run(asyncio.Event(), health), job.name)


async def _until_done(hook: LifespanHook) -> None:
    """An orchestrator starts a service again that could not start."""
    while True:
        try:
            await hook()
        except TransientError:
            await asyncio.sleep(1)
        else:
            return
