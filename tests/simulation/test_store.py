"""The store of the simulation behaves like the real one, as far as the product relies on it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from shared.errors import Conflict, TransientError
from shared.mongo import Documents, Index, Mongo, Put, Remove, Replace, Session, Update
from tests.simulation.network import Link, Network
from tests.simulation.process import moment
from tests.simulation.store.client import SimulatedMongo
from tests.simulation.store.database import Database, Transaction
from tests.simulation.virtual_loop import VirtualLoop

_SOUND = Link(shortest=0.001, longest=0.002)
_DAY = datetime(2026, 3, 1, tzinfo=UTC)
_IDS = [f"d{number}" for number in range(8)]
Call = Callable[[Documents, Mongo], Awaitable[Any]]


class SimulatedStore:
    """The store of the simulation with a loop of its own."""

    def __init__(self) -> None:
        self.loop = VirtualLoop(Random(1))  # type: ignore[abstract]  # it has what asyncio calls
        database = Database("test", lambda: moment(self.loop.time()))
        self.mongo = SimulatedMongo(database, Network(self.loop, Random(2)), Random(3), _SOUND)

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


@pytest.mark.parametrize("seed", range(16))
async def test_the_same_operations_have_the_same_results(mongo: Mongo, seed: int) -> None:
    random, simulated = Random(seed), SimulatedStore()
    unique = [
        Index("rows", [("tenant_id", 1), ("mark", 1)], unique=True, where={"mark": {"$type": "string"}})
    ]
    await mongo.ensure(unique)
    simulated.run(simulated.mongo.ensure(unique))

    for number in range(60):
        call = _operation(random)
        real = await _outcome(call, mongo)
        assert simulated.run(_outcome(call, simulated.mongo)) == real, f"operation {number}"
        everything = await _contents(mongo)
        assert simulated.run(_contents(simulated.mongo)) == everything, f"after operation {number}"


def test_of_two_transactions_that_have_done_the_same_each_ends_for_itself() -> None:
    database = Database("test", lambda: _DAY)
    first, second = Transaction(database), Transaction(database)

    second.abort()
    first.put("rows", {"_id": "d1"})
    first.commit()

    assert database.open == []


async def test_of_two_transactions_that_write_one_document_one_begins_again(mongo: Mongo) -> None:
    simulated = SimulatedStore()

    value, begun = await _race(mongo)
    assert (value, simulated.run(_race(simulated.mongo))) == (2, (2, 3))
    assert begun >= 3  # on a busy machine one of them is begun again more than once


async def test_a_transaction_that_fails_leaves_nothing(mongo: Mongo) -> None:
    simulated = SimulatedStore()

    assert await _failed_transaction(mongo) == ["Conflict", 1]
    assert simulated.run(_failed_transaction(simulated.mongo)) == ["Conflict", 1]


def test_a_transaction_that_began_after_its_client_had_gone_holds_nothing_for_ever() -> None:
    simulated = SimulatedStore()
    rows = simulated.mongo.documents("rows", "t1")

    async def abandoned() -> None:
        async def work(session: Session) -> None:
            await rows.bulk([Put({"_id": "d1", "by": "nobody"})], session=session)

        sender = asyncio.ensure_future(simulated.mongo.transaction(work))
        await asyncio.sleep(0)  # the statement is on its way
        await asyncio.sleep(0)
        sender.cancel()
        await asyncio.sleep(1)
        await rows.bulk([Put({"_id": "d1", "by": "us"})])

    simulated.run(abandoned())
    assert simulated.run(_contents(simulated.mongo))[0]["by"] == "us"
    assert simulated.loop.time() > 60, "the other transaction was never open, and the test says nothing"


async def _race(mongo: Mongo) -> tuple[int, int]:
    """Two transactions increase a number; returns it, and how often their work was begun."""
    rows = mongo.documents("numbers", "t1")
    await rows.put({"_id": "n", "value": 0})
    both_have_read, begun = asyncio.Event(), 0

    async def work(session: Session) -> None:
        nonlocal begun
        row = await rows.get("n", session=session)
        begun += 1
        if begun == 2:
            both_have_read.set()
        await asyncio.wait_for(both_have_read.wait(), 60)
        await rows.change({"_id": "n"}, {"$set": {"value": row["value"] + 1}}, session=session)  # type: ignore[index]

    await asyncio.gather(mongo.transaction(work), mongo.transaction(work))
    row = await rows.get("n")
    return (row or {})["value"], begun


async def _failed_transaction(mongo: Mongo) -> list[Any]:
    rows = mongo.documents("numbers", "t1")
    await rows.put({"_id": "taken"})

    async def work(session: Session) -> None:
        await rows.insert({"_id": "new"}, session=session)
        await rows.insert({"_id": "taken"}, session=session)

    try:
        await mongo.transaction(work)
    except Conflict as error:
        return [type(error).__name__, await rows.count()]
    return []


async def _outcome(call: Call, mongo: Mongo) -> Any:
    try:
        return await call(mongo.documents("rows", "t1"), mongo)
    except (Conflict, TransientError) as error:
        return type(error).__name__


async def _contents(mongo: Mongo) -> list[Any]:
    return await mongo.all_tenants("rows").find(sort=[("_id", 1)])


def _document(random: Random) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_id": random.choice(_IDS),
        "revision": random.randint(1, 5),
        "at": _DAY + timedelta(hours=random.randint(0, 5)),
        "tags": random.sample(["a", "b", "c"], random.randint(0, 3)),
        "in": {"deep": random.choice([None, 1, "x"])},
    }
    if random.random() < 0.5:
        document["mark"] = random.choice(["m1", "m2", "m3", None])
    return document


def _filter(random: Random) -> dict[str, Any]:
    return random.choice(
        [
            {},
            {"_id": random.choice(_IDS)},
            {"_id": {"$gte": "d2", "$lt": "d6"}},
            {"revision": {"$gt": random.randint(0, 4)}},
            {"at": {"$lte": _DAY + timedelta(hours=3)}},
            {"tags": random.choice("abc")},
            {"tags": {"$ne": "a"}},
            {"mark": None},
            {"mark": {"$type": "string"}},
            {"mark": {"$exists": False}},
            {"in.deep": {"$in": [1, None]}},
            {"$or": [{"in.deep": "x"}, {"revision": 2}]},
            {"revision": {"$nin": [1, 2]}},
            {"_id": {"$regex": "[135]"}},
        ]
    )


def _update(random: Random) -> Any:
    return random.choice(
        [
            {"$set": {"in.deep": random.randint(0, 3)}},
            {"$unset": {"in.deep": "", "mark": "", "nowhere.at": ""}},
            {"$inc": {"revision": 1}},
            {"$max": {"revision": random.randint(1, 6)}},
            {"$push": {"tags": "p"}},
            {"$addToSet": {"tags": {"$each": ["a", "z"]}}},
            {"$setOnInsert": {"new": True}, "$set": {"mark": random.choice(["m1", "m4"])}},
            [{"$set": {"sum": {"$add": [{"$max": ["$revision", 3]}, 10]}, "again": "$in.deep"}}],
        ]
    )


def _sorted(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row.get("_id") if isinstance(row, dict) else row))


def _operation(random: Random) -> Call:
    documents = [_document(random) for _ in range(random.randint(1, 4))]
    filter_, update, id_ = _filter(random), _update(random), random.choice(_IDS)
    by_id, up = [("_id", random.choice((1, -1)))], random.random() < 0.5
    calls: list[Callable[[Documents], Awaitable[Any]]] = [
        lambda rows: rows.insert_new({**one, "mark": None} for one in documents),
        lambda rows: rows.put({**documents[0], "mark": None}),
        lambda rows: rows.change({"_id": id_}, update, upsert=up),
        lambda rows: rows.change_many(filter_, {"$inc": {"revision": 1}}),
        lambda rows: rows.take(filter_, {"$inc": {"revision": 1}}, sort=by_id),
        lambda rows: rows.take({"_id": id_}, update, upsert=up),
        lambda rows: rows.remove({"_id": id_}),
        lambda rows: rows.find(filter_, sort=by_id, limit=3, skip=1, fields=["in.deep", "tags"]),
        lambda rows: rows.insert(documents[0]),
        lambda rows: rows.find(filter_, sort=[("mark", 1), ("_id", 1)]),
        lambda rows: rows.count(filter_),
        lambda rows: rows.bulk(
            [
                Put({**documents[0], "mark": None}),
                Update({"_id": id_}, {"$set": {"b": 1}}, upsert=up),
                Replace({"_id": "d1", "revision": {"$lt": 4}}, {"_id": "d1", "revision": 4}),
                Remove({"_id": "d7"}),
            ]
        ),
    ]
    call = random.choice(calls)

    async def run(rows: Documents, _: Mongo) -> Any:
        return await call(rows)

    async def read(rows: Documents, store: Mongo) -> Any:
        newer = store.documents("newer", "t1")
        written = await newer.upsert_newer({**one, "mark": None} for one in documents)
        distinct = sorted(map(str, await rows.distinct("tags", filter_)))
        groups = await rows.aggregate(
            [{"$match": filter_}, {"$group": {"_id": "$revision", "n": {"$sum": 1}, "last": {"$max": "$at"}}}]
        )
        return [_sorted([one["_id"] for one in written]), distinct, _sorted(groups)]

    return run if random.random() < 0.8 else read
