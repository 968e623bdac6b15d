"""Manifests that wait, those that wait in vain, and what becomes of their runs."""

from collections.abc import Collection, Mapping

from billing_world import World
from manifest_builders import ACME
from observation_builders import (
    VENDOR,
    a_finished_run,
    a_subscription,
    an_integration,
)
from second_run import ONE, OTHER, SECOND, a_part, a_seven, the_number, the_run, unread_of_run, waiting_parts

from billing.observations.integrations import IntegrationDirectory
from billing.observations.manifest_applier import ManifestApplier
from billing.observations.manifest_parts import ReceivedManifest
from billing.observations.manifest_repository import ManifestRepository
from billing.observations.manifests import VOID, ManifestDecision
from billing.observations.ports import RunJudgement
from billing.usage.manifest_reader import PARTS, ManifestReader
from billing.usage.ref import Ref
from shared.contracts.base import Outcome
from shared.mongo import Mongo


async def test_a_manifest_of_a_connection_that_is_not_known_yet_waits_for_its_news(mongo: Mongo) -> None:
    world = await a_seven(mongo)

    await world.ingest(ONE, a_part([ONE], parts=1, generation=2))
    await world.settle()
    early = await the_number(world)
    await world.ingest(an_integration(VENDOR, generation=2, revision=2))
    world.advance(seconds=30)
    await world.settle()

    assert (early, await the_number(world)) == (7, 5)


async def test_a_run_of_a_connection_that_was_replaced_is_short_of_what_it_read(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(an_integration(VENDOR, generation=2, revision=2))

    await world.ingest(ONE, a_part([ONE], parts=1, generation=1))
    unread = await unread_of_run(world)

    assert unread == {"acme": "its connection has been replaced"}
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL
    assert (await the_number(world), await waiting_parts(world)) == (7, 0)


async def test_a_run_of_a_connection_that_was_replaced_is_complete_once_newer_manifests_count(
    mongo: Mongo,
) -> None:
    world = await a_seven(mongo)
    await world.ingest(an_integration(VENDOR, generation=2, revision=2))
    await world.ingest(ONE, a_part([ONE], parts=1, generation=1))
    await world.run_closer.record([a_finished_run(1, **SECOND)])
    await world.settle()
    early = (await the_run(world))["verdict"]

    await world.ingest(OTHER, a_part([OTHER], parts=1, revision=40_000, run_id="run-3", generation=2))
    await world.settle()

    assert (early, (await the_run(world))["verdict"]) == (None, Outcome.COMPLETE)
    assert await the_number(world) == 4


async def test_parts_of_an_older_manifest_that_is_incomplete_go_with_the_first_part_of_a_newer_one(
    mongo: Mongo,
) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE]))
    await world.apply()

    await world.ingest(a_part([ONE], revision=40_000, run_id="run-3"))
    await world.apply()
    early = await world.mongo.all_tenants(PARTS).count({"revision": 30_000})
    await world.ingest(a_part([OTHER], part=2))  # the missing part of the older one
    await world.settle()

    assert early == 0
    assert await the_number(world) == 7
    assert await waiting_parts(world) == 1


async def test_a_run_whose_manifest_is_void_is_complete_once_a_newer_one_counts(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE]), a_part([ONE], revision=40_000, run_id="run-3"))
    await world.run_closer.record([a_finished_run(1, **SECOND)])
    await world.settle()
    early = await unread_of_run(world, close=False)

    await world.ingest(a_part([OTHER], part=2, revision=40_000, run_id="run-3"))
    await world.settle()

    assert early == {"acme": "parts of its manifest are missing, and a newer manifest has come"}
    assert await the_number(world) == 9
    assert (await the_run(world))["verdict"] == Outcome.COMPLETE


async def test_a_lone_part_of_an_older_manifest_than_counts_goes(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    await world.ingest(ONE, a_part([ONE], parts=1, revision=40_000, run_id="run-3"))
    await world.settle()

    await world.ingest(a_part([OTHER], part=2))
    await world.settle()

    assert await waiting_parts(world) == 0


async def test_a_manifest_that_waits_in_vain_is_overtaken_by_the_next_runs(mongo: Mongo) -> None:
    world = await a_seven(mongo)
    lost = a_subscription(9, id_="lost", revision=20_002)
    await world.ingest(ONE, a_part([ONE, lost], parts=1))
    early = await unread_of_run(world)

    await world.ingest(OTHER, a_part([ONE, OTHER], parts=1, revision=40_000, run_id="run-3"))
    await world.settle()

    assert early == {"acme": "what its manifest names has not arrived"}
    assert (await the_run(world))["verdict"] == Outcome.PARTIAL
    assert await the_number(world) == 9
    assert await waiting_parts(world) == 0


async def test_the_last_part_that_comes_while_its_manifest_is_found_void_loses_nothing(mongo: Mongo) -> None:
    """One replica sees both parts, another has seen the first alone, and removes it."""
    world = await a_seven(mongo)
    await world.ingest(ONE, OTHER, a_part([ONE]), a_part([OTHER], part=2))
    applier = ManifestApplier(
        OvertakenRepository(mongo, world),
        ManifestReader(mongo),
        IntegrationDirectory(mongo),
        judge=world.feed_breaker,
        wake=lambda: None,
    )

    await applier.step()
    early = await the_number(world)
    await world.settle()

    assert (early, await the_number(world)) == (7, 7)
    assert await waiting_parts(world) == 1, "the second part waits for the first"


class OvertakenRepository(ManifestRepository):
    """Another replica removes the first part right before this one stores what it has decided."""

    def __init__(self, mongo: Mongo, world: World) -> None:
        super().__init__(mongo, world.queue, clock=world.clock)
        self._world = world

    async def apply(
        self,
        tenant_id: str,
        decisions: Mapping[Ref, ManifestDecision],
        recalculated: Collection[Ref],
        judgement: RunJudgement,
        *,
        settled: int,
    ) -> bool:
        seen = await super().snapshot(tenant_id, [ACME])
        first = ReceivedManifest(ACME, seen.received[ACME][0].parts[:1])
        void = {ACME: ManifestDecision(None, in_vain=[(first, VOID)])}
        nothing = await self._world.feed_breaker.judge(tenant_id, {}, ())
        await self._world.manifests.apply(tenant_id, void, set(), nothing, settled=seen.settled)
        return await super().apply(tenant_id, decisions, recalculated, judgement, settled=settled)
