from datetime import timedelta
from typing import Any

from billing_world import a_mapped_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observation_builders import NOW, TENANT, a_mapping, a_subscription, an_agreement_line

from billing.observations.change_notice import ChangeNotice
from billing.observations.history import HistoryRepository
from billing.observations.repository import ObservationRepository
from shared.contracts.base import State
from shared.contracts.vendor_sync import SubscriptionObserved
from shared.mongo import Mongo

VERSIONS = [
    a_subscription(place, revision=place, present=place % 3 > 0, id_=f"s{place % 2}") for place in range(1, 9)
]


async def store(mongo: Mongo, *news: State) -> None:
    await ObservationRepository(mongo).store(TENANT, [ChangeNotice.of(one) for one in news])


async def newest_rows(mongo: Mongo, name: str = "subscriptions") -> list[dict[str, Any]]:
    return await mongo.documents(name, TENANT).find(sort=[("_id", 1)])


async def history(mongo: Mongo) -> list[tuple[str, int]]:
    rows = await mongo.documents("observations", TENANT).find(sort=[("_id", 1)])
    return [(row["key"], row["revision"]) for row in rows]


async def test_the_newest_stands_and_what_it_replaced_is_history(mongo: Mongo) -> None:
    for revision in (1, 2, 3):
        await store(mongo, a_subscription(revision, revision=revision))

    [row] = await newest_rows(mongo)
    assert row["revision"] == 3
    assert [revision for _, revision in await history(mongo)] == [1, 2]


async def test_the_same_batch_again_adds_nothing(mongo: Mongo) -> None:
    batch = [a_subscription(1, revision=1), a_subscription(2, revision=2)]

    await store(mongo, *batch)
    before = await newest_rows(mongo), await history(mongo)
    await store(mongo, *batch)

    assert (await newest_rows(mongo), await history(mongo)) == before


async def test_both_times_are_kept(mongo: Mongo) -> None:
    learnt = NOW + timedelta(hours=3)

    await ObservationRepository(mongo, clock=lambda: learnt).store(
        TENANT, [ChangeNotice.of(a_subscription(1))]
    )

    [row] = await newest_rows(mongo)
    assert row["learnt_at"] == learnt
    assert row["observed_at"] == "2026-03-10T12:00:00Z"


async def test_killed_between_history_and_state_the_next_try_loses_nothing(mongo: Mongo) -> None:
    await store(mongo, a_subscription(1, revision=1))
    [row] = await newest_rows(mongo)
    version = row | {"_id": f"subscriptions/{row['_id']}@1", "key": row["_id"]}
    await mongo.documents("observations", TENANT).insert(version)

    await store(mongo, a_subscription(2, revision=2))

    assert [revision for _, revision in await history(mongo)] == [1]
    assert (await newest_rows(mongo))[0]["revision"] == 2


async def test_tenants_do_not_meet(mongo: Mongo) -> None:
    await ObservationRepository(mongo).store("t2", [ChangeNotice.of(a_subscription(1, tenant_id="t2"))])

    assert await newest_rows(mongo) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_and_repetition_ends_in_the_same_state(mongo: Mongo, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(VERSIONS)) + data.draw(st.lists(st.sampled_from(VERSIONS)))
    cuts = data.draw(st.integers(1, 6))
    for name in ("subscriptions", "observations"):
        await mongo.all_tenants(name).remove({})

    for start in range(0, len(shuffled), cuts):
        await store(mongo, *shuffled[start : start + cuts])

    for row in await newest_rows(mongo):
        newest = max((one for one in VERSIONS if one.key == row["_id"]), key=lambda one: one.revision)
        assert SubscriptionObserved.model_validate(row) == newest
        kept = [revision for key, revision in await history(mongo) if key == row["_id"]]
        assert sorted({*kept, row["revision"]}) == [one.revision for one in VERSIONS if one.key == row["_id"]]


async def test_a_lines_history_holds_every_version_of_what_it_rests_on(mongo: Mongo) -> None:
    world = await a_mapped_world(mongo, a_subscription(7), an_agreement_line(5))
    await world.ingest(a_subscription(8, revision=11), a_mapping("service", "svc1", "prod1", revision=2))
    await world.reconcile()

    versions = await HistoryRepository(mongo).of_line(await world.line())

    told = {(version.kind, version.revision) for version in versions}
    assert told == {
        ("subscriptions", 10),
        ("subscriptions", 11),
        ("agreement_lines", 10),
        ("mappings", 1),
        ("mappings", 2),
    }
