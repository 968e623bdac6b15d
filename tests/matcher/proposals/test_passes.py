"""Passes on the real store: what they complete, what overtakes them, and what a kill leaves behind."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from catalogue_builders import PSA, a_psa, a_psa_account, a_vendor_account, an_integration
from matcher_proposals import EngineHere
from matcher_world import MatcherWorld, mongo_world

from matcher.app import INDEXES
from matcher.catalogue.items import Item
from matcher.mappings.models import MapTo, PsaItemRef
from matcher.mappings.repository import MongoMappings
from matcher.proposals.engine_version import engine_version
from matcher.proposals.jobs import ProposalLeader
from matcher.proposals.models import EngineAnswer, PassOvertaken
from matcher.proposals.recomputation import LONGEST_WAIT, QUIET, ProposalRecomputation
from matcher.proposals.repository import MongoPasses, proposal_queue
from shared.contracts.matcher import MappingKind, MappingsProposed
from shared.mongo import Mongo
from shared.outbox import Outbox
from shared.runtime.clock import Clock, utc_now
from shared.runtime.leases import Leases

ACCOUNT = MappingKind.ACCOUNT


def known(tenant_id: str = "demo") -> list[object]:
    return [
        an_integration(tenant_id=tenant_id),
        a_psa(tenant_id=tenant_id),
        a_vendor_account("1", "Contoso Dental", tenant_id=tenant_id),
        a_psa_account("9", "Contoso Dental LLC", tenant_id=tenant_id),
    ]


@pytest.fixture
async def world(mongo: Mongo) -> MatcherWorld:
    await mongo.ensure(INDEXES)
    return mongo_world(mongo)


def passes_of(mongo: Mongo, engine_version: str = "") -> MongoPasses:
    return MongoPasses(mongo, Outbox(mongo, "matcher"), utc_now, engine_version=engine_version)


def a_leader(mongo: Mongo, passes: MongoPasses) -> ProposalLeader:
    """A replica to whose mind nothing is ripe: it marks, and computes nothing."""
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    computing = ProposalRecomputation(passes, MongoMappings(mongo), EngineHere(), lambda: long_ago)
    return ProposalLeader(computing, Leases(mongo))


def recomputation(mongo: Mongo, engine: EngineHere, clock: Clock) -> ProposalRecomputation:
    return ProposalRecomputation(passes_of(mongo), MongoMappings(mongo), engine, clock)


async def statements(world: MatcherWorld) -> list[MappingsProposed]:
    return [message for message in await world.published() if isinstance(message, MappingsProposed)]


async def test_nothing_is_computed_before_news_has_come_to_rest(mongo: Mongo, world: MatcherWorld) -> None:
    await world.receive(*known())
    engine, begun = EngineHere(), datetime.now(UTC)

    busy = await recomputation(mongo, engine, lambda: begun).process_next()
    rest = await recomputation(mongo, engine, lambda: begun + QUIET).process_next()

    assert (busy, rest) == (False, True)


async def test_news_that_never_rests_is_computed_all_the_same(mongo: Mongo, world: MatcherWorld) -> None:
    await world.receive(*known())
    later = datetime.now(UTC) + LONGEST_WAIT
    await proposal_queue(mongo).enqueue("demo", ACCOUNT, [ACCOUNT], at=later)

    assert await recomputation(mongo, EngineHere(), lambda: later).process_next()


async def test_tenants_are_apart(world: MatcherWorld) -> None:
    await world.receive(*known("demo"), *known("other"))
    await world.propose()
    await world.decide("1", MapTo(PsaItemRef(PSA, "9")))
    await world.propose()

    assert await world.proposed("demo") == {}
    assert await world.proposed("other") == {"1": ["9"]}


async def test_killed_before_it_completes_a_pass_is_repeated_and_publishes_nothing_twice(
    mongo: Mongo, world: MatcherWorld
) -> None:
    await world.receive(*known())
    await world.propose()
    before = await statements(world)

    await proposal_queue(mongo).enqueue(
        "demo", ACCOUNT, [ACCOUNT]
    )  # as if what it completed were still there
    await world.propose()

    assert await statements(world) == before
    assert len(before) == 1


async def test_news_during_a_pass_starts_another_one(world: MatcherWorld) -> None:
    class Interrupted(EngineHere):
        async def rank(
            self, kind: MappingKind, vendor: Sequence[Item], psa: Sequence[Item], **asked: Any
        ) -> EngineAnswer:
            found = await super().rank(kind, vendor, psa, **asked)
            if self.calls == 1:  # the pass knows nothing of it
                await world.exclude("1")
            return found

    await world.receive(*known())
    world.engine = Interrupted()

    await world.propose()

    assert await world.proposed() == {}
    assert [len(one.proposals) for one in await statements(world)] == [1, 0]


async def test_a_pass_that_was_overtaken_stores_nothing(mongo: Mongo, world: MatcherWorld) -> None:
    await world.receive(*known())
    passes = passes_of(mongo)
    await world.propose()
    (stated,) = await statements(world)
    slow = await passes.begin("demo", ACCOUNT)
    await passes.begin("demo", ACCOUNT)

    with pytest.raises(PassOvertaken):
        await passes.record(slow, [stated.model_copy(update={"proposals": ()})], datetime.now(UTC))

    assert await world.proposed() == {"1": ["9"]}
    assert await statements(world) == [stated]


async def due_after_a_start(mongo: Mongo, engine_version: str) -> set[tuple[str, MappingKind]]:
    """What a replica of this build computes when it begins to lead."""
    await a_leader(mongo, passes_of(mongo, engine_version)).job().step()
    return {(one.tenant_id, one.kind) for one in await passes_of(mongo).due()}


async def test_a_release_with_another_engine_looks_at_everything_again(
    mongo: Mongo, world: MatcherWorld
) -> None:
    await world.receive(*known())
    await world.propose()
    await mongo.all_tenants("proposals").remove({})  # as an older build left it: it had none

    due = await due_after_a_start(mongo, "the next")
    await world.propose()

    assert due == {("demo", kind) for kind in MappingKind}
    assert await world.proposed() == {"1": ["9"]}


async def test_the_same_release_started_again_computes_nothing(mongo: Mongo, world: MatcherWorld) -> None:
    await world.receive(*known())
    await world.propose()
    first = await due_after_a_start(mongo, "this")
    world.passes = passes_of(mongo, "this")
    await world.propose()

    again = await due_after_a_start(mongo, "this")

    assert first == {("demo", kind) for kind in MappingKind}
    assert again == set()


async def test_what_an_overtaken_pass_computed_is_not_taken_for_the_newest_engines(
    mongo: Mongo, world: MatcherWorld
) -> None:
    await world.receive(*known())
    passes = passes_of(mongo, "this")
    slow = await passes.begin("demo", ACCOUNT)
    await passes_of(mongo, "former").begin("demo", ACCOUNT)

    await passes.complete(slow, {})

    assert ("demo", ACCOUNT) in await due_after_a_start(mongo, "this")


async def test_a_leader_looks_for_other_releases_once(mongo: Mongo, world: MatcherWorld) -> None:
    await world.receive(*known())
    await world.propose()
    leader, queue = a_leader(mongo, passes_of(mongo, "this")).job(), proposal_queue(mongo)
    await leader.step()
    marked = await queue.lane("demo", ACCOUNT)

    await leader.step()

    assert len(marked) == 1
    assert await queue.lane("demo", ACCOUNT) == marked


def test_the_version_of_one_build_is_always_the_same() -> None:
    assert engine_version() == engine_version() != ""
