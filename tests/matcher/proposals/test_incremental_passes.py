"""A pass that builds on the one before stores what a pass over everything would."""

from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from catalogue_builders import (
    PSA,
    VENDOR,
    a_product,
    a_psa,
    a_psa_account,
    a_service,
    a_vendor_account,
    an_integration,
)
from matcher_proposals import EngineHere
from matcher_world import MatcherWorld, a_ref, mongo_world

from matcher.app import INDEXES
from matcher.mappings.models import MapTo, PsaItemRef
from matcher.mappings.repository import MongoMappings
from matcher.proposals.recomputation import ProposalRecomputation
from matcher.proposals.repository import MongoPasses, MongoProposals, proposal_queue
from matcher.proposals.service import ProposalService, RefusedItem
from shared.contracts.auth import IntegrationStatus
from shared.contracts.base import Side
from shared.contracts.matcher import MappingKind
from shared.errors import RuleBroken
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.clock import utc_now

WORDS = ("Contoso", "Dental", "Smith", "Plumbing", "Northwind", "Leeds", "York", "Care")


@pytest.fixture
async def world(mongo: Mongo) -> MatcherWorld:
    await mongo.ensure(INDEXES)
    world = mongo_world(mongo)
    await world.receive(an_integration(), a_psa())
    return world


class Story:
    """What may happen to a tenant, drawn by lot."""

    def __init__(self, world: MatcherWorld, mongo: Mongo, seed: int) -> None:
        self._world, self._random, self._revision = world, Random(seed), 10
        self._service = ProposalService(MongoProposals(mongo, Outbox(mongo, "matcher")), utc_now)

    async def step(self) -> None:
        happens = [self._news, self._map, self._exclude, self._revoke, self._refuse, self._withdraw]
        (one,) = self._random.choices([*happens, self._connection], [12, 2, 1, 2, 3, 2, 1])
        with suppress(RuleBroken):  # as a person is told whose item is gone
            await one()

    async def _news(self) -> None:
        self._revision += 1
        name = " ".join(self._random.choices(WORDS, k=self._random.randint(1, 3)))
        item: dict[str, Any] = {"revision": self._revision, "present": self._random.random() > 0.2}
        make = self._random.choice([a_vendor_account, a_psa_account, a_service, a_product])
        number = str(self._random.randrange(6))
        more = () if make in (a_vendor_account, a_psa_account) else (f"CODE-{self._random.randrange(9)}",)
        await self._world.receive(make(number, name, *more, **item))

    async def _map(self) -> None:
        await self._world.decide(self._one(), MapTo(PsaItemRef(PSA, self._one())))

    async def _exclude(self) -> None:
        await self._world.exclude(self._one())

    async def _revoke(self) -> None:
        await self._world.revoke(self._one())

    async def _refuse(self) -> None:
        question, refused = a_ref(self._one()), RefusedItem(PSA, self._one(), "ann")
        await self._service.refuse(question, refused)
        if self._random.random() < 0.3:
            await self._service.withdraw(question, refused)

    async def _withdraw(self) -> None:
        await self._service.withdraw(a_ref(self._one()), RefusedItem(PSA, self._one(), "ann"))

    async def _connection(self) -> None:
        side, id_ = self._random.choice([(Side.VENDOR, VENDOR), (Side.PSA, PSA)])
        for status in (IntegrationStatus.DISCONNECTED, IntegrationStatus.PENDING):
            self._revision += 1
            await self._world.ingest([an_integration(id_, side, status=status, revision=self._revision)])
            await self._world.match()
            if self._random.random() < 0.5:
                await self._world.propose()

    def _one(self) -> str:
        return str(self._random.randrange(6))


async def stored(mongo: Mongo) -> tuple[Any, ...]:
    """Returns what is proposed and counted."""
    proposals = await mongo.all_tenants("proposals").find(sort=[("_id", 1)])
    passes = await mongo.all_tenants("proposal_passes").find(sort=[("_id", 1)])
    return [row["digest"] for row in proposals], [row.get("counts") for row in passes]


async def compute_all(mongo: Mongo) -> None:
    """Compute everything by a replica that knows nothing."""
    for kind in MappingKind:
        await proposal_queue(mongo).enqueue("demo", kind, [kind])
    passes = MongoPasses(mongo, Outbox(mongo, "matcher"), utc_now)
    computing = ProposalRecomputation(passes, MongoMappings(mongo), EngineHere(), utc_now, quiet=timedelta(0))
    while await computing.process_next():
        pass


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_happens_a_pass_over_everything_finds_nothing_else(
    mongo: Mongo, world: MatcherWorld, seed: int
) -> None:
    story = Story(world, mongo, seed)
    for number in range(60):
        await story.step()
        await world.propose()
        if number % 6 == 5:  # in between, passes of this replica follow each other
            incremental = await stored(mongo)
            await compute_all(mongo)
            assert await stored(mongo) == incremental, f"after step {number}"
    assert world.engine.calls > 10


async def test_one_new_account_is_one_answer(world: MatcherWorld) -> None:
    names = [f"{first} {second}" for first in WORDS for second in WORDS if first != second]
    await world.receive(
        *(a_vendor_account(f"v{n}", name) for n, name in enumerate(names)),
        *(a_psa_account(f"p{n}", f"{name} Ltd") for n, name in enumerate(names)),
    )
    await world.propose()
    before = world.engine.answered

    await world.receive(a_vendor_account("new", "Zzyzx Quarry"), a_psa_account("pnew", "Zzyzx Quarry LLC"))
    await world.propose()

    assert before >= len(names)
    assert 1 <= world.engine.answered - before < len(names) / 2
    assert (await world.proposed())["new"] == ["pnew"]


async def test_a_pass_of_another_replica_in_between_is_built_on_by_nobody(
    mongo: Mongo, world: MatcherWorld
) -> None:
    await world.receive(a_vendor_account("1", "Contoso Dental"), a_psa_account("9", "Contoso Dental LLC"))
    await world.propose()
    await world.exclude("1")
    await compute_all(mongo)
    await world.revoke("1")

    await world.propose()

    assert await world.proposed() == {"1": ["9"]}


async def test_proposals_that_a_restored_database_lacks_are_computed_again(
    mongo: Mongo, world: MatcherWorld
) -> None:
    passes = await mongo.all_tenants("proposal_passes").find()
    await world.receive(a_vendor_account("1", "Contoso Dental"), a_psa_account("9", "Contoso Dental LLC"))
    await world.propose()
    await mongo.all_tenants("proposals").remove({})
    await mongo.all_tenants("proposal_passes").remove({})
    for row in passes:
        await mongo.documents("proposal_passes", "demo").put(row)

    await world.receive(a_vendor_account("2", "Northwind Traders"))
    await world.propose()

    assert len(await mongo.all_tenants("proposals").find()) == 1
