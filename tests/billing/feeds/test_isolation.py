"""What fails for one run, one tenant or the status channel stops nothing else."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from billing_world import World
from fed_world import (
    a_fed_world,
    billed,
    bought,
    carry_out,
    held_runs,
    read_by,
    reasons,
    vendor_numbers,
)
from observation_builders import PSA, TENANT, VENDOR, a_subscription

from billing.feeds.models import FEED_RULES, HoldState, JudgedRun, LineSwing, RunRecord, RunRef
from billing.feeds.service import FeedBreaker
from shared.contracts.base import key_of
from shared.errors import TransientError
from shared.mongo import Mongo

SECOND = RunRef(VENDOR, "run-2")
AWAY = TransientError("Redis does not answer")
COULD_NOT = "what it changes could not be worked out, for an error of ours: see billing's log"


async def spoil_swings(world: World, run: RunRef) -> None:
    """What is stored of a run's changes cannot be read."""
    key = key_of(TENANT, *run)
    row = {"_id": f"{key}/line", "run": key, "line_id": "line", "before": "many", "after": "0"}
    await world.mongo.documents("feed_swings", TENANT).insert(row)


async def spoil_record(world: World, run: RunRef) -> None:
    row = {"_id": key_of(TENANT, *run), **run._asdict(), "changes": "some", "state": "no state"}
    await world.mongo.documents("feed_runs", TENANT).insert(row)


async def spoil_count(world: World, run: RunRef) -> None:
    row = {"_id": key_of(TENANT, *run), **run._asdict(), "changes": "some"}
    await world.mongo.documents("feed_runs", TENANT).insert(row)


@pytest.mark.parametrize("spoil", [spoil_swings, spoil_record, spoil_count])
async def test_a_run_that_cannot_be_judged_is_held_and_all_others_count(
    mongo: Mongo,
    spoil: Any,
) -> None:
    world = await a_fed_world(mongo)
    await spoil(world, SECOND)
    await world.ingest(bought(11, revision=20_000), *billed(12, revision=20_000))
    await world.ingest(a_subscription(3, id_="t2-sub", account="tee", tenant_id="t2", revision=20_000))
    for integration_id, run_id in ((VENDOR, "run-2"), (PSA, "psa-2")):
        await world.ingest(*world.manifests_of(integration_id, run_id=run_id))

    await carry_out(world)

    [held] = await world.feeds.holds(TENANT)
    assert (held.run_id, held.objection) == ("run-2", COULD_NOT)
    assert await reasons(world) == {"vendor held"}
    assert {line.psa_count.number for line in await world.stored()} == {12}
    [of_other] = (await world.lines.page("t2"))[0]
    assert of_other.vendor_count.number == 3


async def test_a_tenant_whose_manifests_cannot_be_applied_holds_up_no_other(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await mongo.documents("manifests", TENANT).change_many({}, {"$unset": {"current.listing": 1}})
    await world.ingest(bought(11, revision=20_000))
    await world.ingest(a_subscription(3, id_="t2-sub", account="tee", tenant_id="t2", revision=20_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))

    with pytest.raises(KeyError):
        await world.applier.step()
    await world.reconcile()

    [of_other] = (await world.lines.page("t2"))[0]
    assert of_other.vendor_count.number == 3


async def test_a_run_that_could_not_be_judged_can_be_released(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await spoil_swings(world, SECOND)
    await read_by(world, "run-2", bought(11, revision=20_000))

    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.RELEASED, by="ann", reason="it is right")
    await carry_out(world)

    assert vendor_numbers(await world.stored()) == {11}


async def test_one_group_that_cannot_be_calculated_holds_no_run(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    of_zed: dict[str, Any] = {"id_": "sub2", "account": "zed"}
    await read_by(world, "run-2", a_subscription(10, revision=15_000, **of_zed))
    await world.ingest(a_subscription(11, revision=20_000, **of_zed), bought(11, revision=20_000))
    await mongo.documents("observations", TENANT).remove({"revision": 15_000})

    await world.ingest(*world.manifests_of(VENDOR, run_id="run-3"))
    await carry_out(world)

    assert await held_runs(world) == []
    assert vendor_numbers(await world.stored()) == {11}


async def test_a_fault_in_every_group_holds_the_run(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await world.ingest(bought(11, revision=20_000))
    await mongo.documents("observations", TENANT).remove({})

    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await carry_out(world)

    assert await held_runs(world) == ["run-2"]


async def test_a_status_channel_that_is_away_keeps_no_hold_and_no_end_of_one_from_being_carried_out(
    mongo: Mongo,
) -> None:
    world = await a_fed_world(mongo)
    world.status_channel.failure = AWAY
    await world.ingest(bought(0, revision=20_000))
    await world.ingest(*world.manifests_of(VENDOR, run_id="run-2"))
    await world.apply()
    await world.reconcile()
    held = await reasons(world)

    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.REJECTED, by="ann", reason="it broke")
    await world.feed_breaker.step()
    await world.reconcile()
    with pytest.raises(TransientError):
        await world.feed_breaker.show()

    assert held == {"vendor held"}
    assert vendor_numbers(await world.stored()) == {10}


async def test_the_status_channel_is_told_when_it_is_back(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    world.status_channel.failure = AWAY
    with pytest.raises(TransientError):
        await world.feed_breaker.show()

    world.status_channel.failure = None
    await world.feed_breaker.show()
    shown = [hold.run_id for hold in world.status_channel.holds[VENDOR]]
    await world.feed_breaker.resolve(TENANT, SECOND, HoldState.RELEASED, by="ann", reason="they left")
    await world.feed_breaker.show()

    assert shown == ["run-2"]
    assert world.status_channel.holds[VENDOR] == []


async def test_a_flushed_status_channel_is_told_again_and_again(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await world.feed_breaker.show()

    world.status_channel.holds.clear()
    await world.feed_breaker.show()

    assert [hold.run_id for hold in world.status_channel.holds[VENDOR]] == ["run-2"]


@dataclass
class OneFailing:
    """Lets accounts fall back, except those of one run."""

    failing: str
    fallen: list[str] = field(default_factory=list)

    async def fall_back(self, _tenant_id: str, _integration_id: str, run_id: str) -> int:
        if run_id == self.failing:
            raise ValueError("a header that cannot be read")
        self.fallen.append(run_id)
        return 0


async def test_a_fall_back_that_fails_holds_up_no_other(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    for run_id, integration_id in (("run-2", VENDOR), ("psa-2", PSA)):
        news = [bought(0, revision=20_000)] if integration_id == VENDOR else billed(0, revision=20_000)
        await read_by(world, run_id, *news)
    for run in (SECOND, RunRef(PSA, "psa-2")):
        await world.feed_breaker.resolve(TENANT, run, HoldState.REJECTED, by="ann", reason="it broke")
    manifests = OneFailing(failing="run-2")
    breaker = FeedBreaker(
        world.feeds, world.comparison, manifests, board=world.status_channel, rules=FEED_RULES
    )

    with pytest.raises(ValueError, match="cannot be read"):
        await breaker.step()

    assert manifests.fallen == ["psa-2"]
    assert [held.run_id for held in await world.feeds.falling_back()] == ["run-2"]


async def test_a_held_run_whose_record_cannot_be_read_hides_no_other(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    await read_by(world, "run-2", bought(0, revision=20_000))
    await mongo.documents("feed_runs", TENANT).insert({"_id": "odd", "state": "held", "falling_back": True})

    await world.feed_breaker.step()
    await world.feed_breaker.show()

    assert await held_runs(world) == ["run-2"]
    assert [hold.run_id for hold in world.status_channel.holds[VENDOR]] == ["run-2"]


async def test_of_two_that_judge_a_run_at_once_one_judges_again(mongo: Mongo) -> None:
    world = await a_fed_world(mongo)
    swing = {"line": LineSwing("line", Decimal(10), Decimal(0))}
    for record in (RunRecord(SECOND), RunRecord(SECOND, changes=1)):
        judged = [JudgedRun(record, swing)]

        async def store(session: Any, judged: list[JudgedRun] = judged) -> None:
            await world.feeds.store_judged(TENANT, judged, session)

        await mongo.transaction(store)
        with pytest.raises(TransientError):
            await mongo.transaction(store)

    assert (await world.feeds.record_of(TENANT, SECOND)).changes == 2
