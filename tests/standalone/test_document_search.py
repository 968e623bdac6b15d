"""The document store finds what MongoDB finds: its shortcuts leave nothing out, and let nothing in."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError

ROWS = (
    {"_id": "a", "tenant": "t1", "tags": ["x", "y"], "count": 1},
    {"_id": "b", "tenant": "t2", "tags": [], "count": 2},
    {"_id": "c", "tenant": "t1", "tags": ["y"]},
    {"_id": 7, "tenant": "t1", "tags": [["y"]], "count": "1"},
)


@pytest.fixture
async def rows(mongo_url: str) -> AsyncIterator[AsyncCollection[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        collection = client.searched.rows
        await collection.drop()
        await collection.create_index([("tenant", 1), ("count", 1)])
        await collection.create_index("count", unique=True, sparse=True)
        await collection.insert_many(ROWS)
        yield collection


@pytest.mark.parametrize(
    ("filter_", "ids"),
    [
        ({"_id": "a", "tenant": "t1"}, ["a"]),
        ({"_id": "a", "tenant": "t2"}, []),
        ({"_id": 7, "tenant": "t1"}, [7]),
        ({"_id": {"$in": ["a", "b", "z"]}, "tenant": "t1"}, ["a"]),
        ({"_id": {"$gt": "a"}, "tenant": "t1"}, ["c"]),
        ({"_id": {"$ne": "a"}, "tenant": "t1"}, [7, "c"]),
        ({"_id": "a", "$or": [{"tenant": "t2"}, {"count": 1}]}, ["a"]),
        ({"tenant": {"$in": ["t2", "T1"]}}, ["b"]),
        ({"tags": {"$in": [re.compile("^x")]}}, ["a"]),
        ({"tags": {"$in": ["y"]}}, ["a", "c"]),
        ({"count": {"$in": [1, 2.0]}}, ["a", "b"]),
        ({"count": {"$in": ["1"]}}, [7]),
        ({"count": {"$in": [None]}}, ["c"]),
    ],
    ids=str,
)
async def test_a_filter_finds_what_fits_all_of_it(
    rows: AsyncCollection[dict[str, Any]], filter_: dict[str, Any], ids: list[object]
) -> None:
    found = await rows.find(filter_).to_list()

    assert sorted((row["_id"] for row in found), key=str) == ids


async def test_a_list_finds_its_own_and_nothing_of_the_list_before_it(
    rows: AsyncCollection[dict[str, Any]],
) -> None:
    await rows.insert_many([{"_id": place, "kind": kind} for place, kind in enumerate("xyz")])

    found = [await rows.distinct("_id", {"kind": {"$in": [kind, "w"]}}) for kind in "zyx"]

    assert found == [[2], [1], [0]]


async def test_a_batch_that_breaks_the_rule_of_an_index_is_refused_from_there_on(
    rows: AsyncCollection[dict[str, Any]],
) -> None:
    batch = [{"_id": "d", "count": 4}, {"_id": "e", "count": 2}, {"_id": "f", "count": 6}]

    with pytest.raises(BulkWriteError, match="duplicate key"):
        await rows.insert_many(batch)

    assert await rows.distinct("_id", {"count": {"$in": [4, 6]}}) == ["d"]


async def test_no_log_of_changes_grows_with_what_is_written(
    rows: AsyncCollection[dict[str, Any]],
) -> None:
    log = rows.database.client.local["oplog.rs"]
    before = await log.count_documents({})

    await rows.insert_many([{"_id": place} for place in range(100, 150)])

    assert await log.count_documents({}) == before


async def test_an_update_by_id_and_something_else_changes_nothing_that_does_not_fit(
    rows: AsyncCollection[dict[str, Any]],
) -> None:
    fitting = await rows.update_one({"_id": "a", "tenant": "t1"}, {"$set": {"count": 10}})
    other = await rows.update_one({"_id": "b", "tenant": "t1"}, {"$set": {"count": 11}})

    assert (fitting.matched_count, other.matched_count) == (1, 0)
    assert await rows.distinct("count", {"_id": "b", "tenant": "t2"}) == [2]
