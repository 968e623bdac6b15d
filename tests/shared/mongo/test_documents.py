import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interleaving import InterleavedMongo

from shared.errors import Conflict
from shared.mongo import Index, Mongo, Put, Remove, Replace, Session, Update


async def test_a_tenant_sees_only_its_own_documents(mongo: Mongo) -> None:
    ours, theirs = mongo.documents("things", "us"), mongo.documents("things", "them")
    await ours.insert({"_id": "us:1", "name": "chair"})

    assert await theirs.get("us:1") is None
    assert await theirs.find() == []
    assert await theirs.count() == 0
    assert not await theirs.change({"_id": "us:1"}, {"$set": {"name": "table"}})
    assert await theirs.remove({}) == 0
    assert (await ours.get("us:1") or {})["name"] == "chair"


async def test_a_taken_id_is_a_conflict(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.insert({"_id": "1"})

    with pytest.raises(Conflict):
        await things.insert({"_id": "1"})
    with pytest.raises(Conflict):
        await things.insert_many([{"_id": "1"}, {"_id": "2"}])


async def test_only_newer_revisions_are_stored(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.upsert_newer([{"_id": "1", "revision": 5, "name": "now"}])

    written = await things.upsert_newer(
        [
            {"_id": "1", "revision": 4, "name": "before"},
            {"_id": "2", "revision": 1, "name": "older"},
            {"_id": "2", "revision": 2, "name": "newer"},
        ]
    )

    assert [(row["_id"], row["name"]) for row in written] == [("2", "newer")]
    assert (await things.get("1") or {})["name"] == "now"


async def test_what_was_known_a_moment_ago_may_be_outdated(mongo: Mongo) -> None:
    things = mongo.all_tenants("things")
    await things.upsert_newer([{"_id": "1", "revision": 5, "name": "now"}])

    late = await things.upsert_newer([{"_id": "1", "revision": 3, "name": "late"}], existing={})
    newer = await things.upsert_newer(
        [{"_id": "1", "revision": 7, "name": "newer"}], existing={"1": {"revision": 2}}
    )

    assert (late, [row["name"] for row in newer]) == ([], ["newer"])
    assert await things.get("1") == {"_id": "1", "revision": 7, "name": "newer"}


@given(news=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_concurrent_writers_leave_the_newest_of_every_key(
    mongo: Mongo, news: list[tuple[str, int]]
) -> None:
    things = mongo.documents("things", "us")
    await things.remove({})

    async with asyncio.TaskGroup() as group:
        for start in range(3):
            rows = [{"_id": key, "revision": revision} for key, revision in news[start::3]]
            group.create_task(things.upsert_newer(rows))

    stored = {row["_id"]: row["revision"] for row in await things.find()}
    assert stored == {key: max(r for k, r in news if k == key) for key, _ in news}


async def test_a_failed_transaction_leaves_nothing(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")

    async def work(session: Session) -> None:
        await things.insert({"_id": "1"}, session=session)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await mongo.transaction(work)
    assert await things.count() == 0


async def test_contended_transactions_are_all_applied(mongo: Mongo) -> None:
    counters = mongo.documents("counters", "us")
    await counters.insert({"_id": "n", "value": 0})

    async def work(session: Session) -> None:
        await counters.change({"_id": "n"}, {"$inc": {"value": 1}}, session=session)

    await asyncio.gather(*(mongo.transaction(work) for _ in range(5)))
    assert (await counters.get("n") or {})["value"] == 5


async def test_bulk_changes_keep_to_the_tenant(mongo: Mongo) -> None:
    ours, theirs = mongo.documents("things", "us"), mongo.documents("things", "them")
    await theirs.insert({"_id": "t", "n": 1})

    await ours.bulk([Put({"_id": "a"}), Update({"_id": "t"}, {"$set": {"n": 2}}), Remove({"n": 1})])

    assert (await theirs.get("t") or {})["n"] == 1
    assert [row["_id"] for row in await ours.find()] == ["a"]


async def test_replacing_touches_only_what_is_as_it_was_expected(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.insert({"_id": "1", "revision": 2, "name": "old"})

    late, right = {"_id": "1", "revision": 1}, {"_id": "1", "revision": 2}
    await things.bulk([Replace(late, {"_id": "1", "revision": 1, "name": "late"})])
    await things.bulk([Replace({"_id": "9"}, {"_id": "9", "revision": 1, "name": "nobody"})])
    await things.bulk([Replace(right, {"_id": "1", "revision": 2, "name": "new"})])

    assert [row["name"] for row in await things.find()] == ["new"]


async def test_a_partial_unique_index_guards_one_in_flight(mongo: Mongo) -> None:
    index = Index("jobs", [("tenant_id", 1), ("line", 1)], unique=True, where={"open": True})
    await mongo.ensure([index])
    await mongo.ensure([index])
    jobs = mongo.documents("jobs", "us")
    await jobs.insert({"_id": "1", "line": "x", "open": True})

    with pytest.raises(Conflict):
        await jobs.insert({"_id": "2", "line": "x", "open": True})
    await jobs.insert({"_id": "3", "line": "x", "open": False})


async def test_many_ids_are_read_and_removed_whole(mongo: Mongo) -> None:
    ours, theirs = mongo.documents("things", "us"), mongo.documents("things", "them")
    ids = [f"{n:03}" for n in range(130)]
    await ours.insert_many({"_id": id_, "n": 1, "m": 2} for id_ in ids)
    await theirs.insert({"_id": "theirs"})

    found = await ours.get_many([*ids, "theirs", "nobody's"], fields=["n"])

    assert sorted(found) == ids
    assert found["000"] == {"_id": "000", "n": 1}
    assert await ours.remove_many([*ids[1:], "theirs"]) == 129
    assert [row["_id"] for row in await mongo.all_tenants("things").find(sort=[("_id", 1)])] == [
        "000",
        "theirs",
    ]


async def test_documents_are_found_by_many_values_of_a_field(mongo: Mongo) -> None:
    ours, theirs = mongo.documents("things", "us"), mongo.documents("things", "them")
    await ours.insert_many({"_id": f"{n:03}", "ref": f"r{n % 120}", "kind": n % 2} for n in range(240))
    await theirs.insert({"_id": "theirs", "ref": "r1", "kind": 1})

    found = await ours.find_in("ref", (f"r{n}" for n in range(110)))

    assert sorted(row["_id"] for row in found) == [f"{n:03}" for n in range(240) if n % 120 < 110]


async def test_a_value_that_is_named_twice_finds_its_documents_once(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.insert({"_id": "1", "ref": "a"})
    far_apart = ["a", *(f"nobody's {n}" for n in range(120)), "a"]

    assert [row["_id"] for row in await things.find_in("ref", far_apart)] == ["1"]


async def test_documents_found_by_values_match_the_rest_of_the_filter_and_show_the_fields_asked_for(
    mongo: Mongo,
) -> None:
    things = mongo.documents("things", "us")
    await things.insert_many([{"_id": str(n), "ref": "a", "kind": n, "more": 1} for n in range(3)])

    found = await things.find_in("ref", ["a"], where={"kind": {"$gt": 0}}, fields=["kind"])

    assert sorted(found, key=lambda row: row["_id"]) == [{"_id": "1", "kind": 1}, {"_id": "2", "kind": 2}]


async def test_documents_found_by_values_are_read_inside_a_transaction(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")

    async def work(session: Session) -> int:
        await things.insert({"_id": "1", "ref": "a"}, session=session)
        return len(await things.find_in("ref", ["a"], session=session))

    assert await mongo.transaction(work) == 1


async def test_no_values_find_nothing(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.insert({"_id": "1", "ref": "a"})

    assert await things.find_in("ref", []) == []
    assert await things.find_in("ref", iter(())) == []
    assert await things.distinct_in("ref", "_id", []) == set()
    assert await things.remove_many([]) == 0
    assert await things.count() == 1


async def test_what_many_documents_hold_under_a_name_is_told_once(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")
    await things.insert_many({"_id": str(n), "ref": f"r{n}", "group": n % 3} for n in range(120))
    await mongo.documents("things", "them").insert({"_id": "theirs", "ref": "r1", "group": 9})

    assert await things.distinct_in("group", "ref", (f"r{n}" for n in range(1, 120))) == {0, 1, 2}
    assert await things.distinct_in("group", "ref", ["r3"]) == {0}


async def test_an_index_with_a_time_to_live_is_stored_in_seconds(mongo: Mongo) -> None:
    await mongo.ensure([Index("things", [("at", 1)], ttl=timedelta(days=40))])

    raw = await mongo._database["things"].index_information()  # noqa: SLF001 (what the driver stored)

    assert raw["at_1"]["expireAfterSeconds"] == 40 * 24 * 3600


@pytest.mark.parametrize("before", [[], [{"_id": "1", "revision": 0}]], ids=["unknown", "known"])
async def test_news_that_was_overtaken_is_not_said_to_be_written(
    mongo: Mongo, before: list[dict[str, Any]]
) -> None:
    theirs = mongo.all_tenants("things")
    await theirs.insert_many(before)
    newer: list[dict[str, Any]] = [{"_id": "1", "revision": 3}]
    store = InterleavedMongo(mongo, "things.bulk_write", lambda: theirs.upsert_newer(newer))

    written = await store.all_tenants("things").upsert_newer(
        [{"_id": "1", "revision": 2}, {"_id": "2", "revision": 2}]
    )

    assert written == [{"_id": "2", "revision": 2}]
    assert await theirs.get("1") == newer[0]
