"""What comes in from outside must not become a question to the store, nor a fault of ours."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.errors import RuleBroken
from shared.mongo import Documents, Mongo, Put, Session, Update

EVERYTHING: Any = {"$gt": ""}
"""As a value of a filter, this would match every text."""
HALF_A_PAIR = "\ud800"
"""JSON can write it, and it has no UTF-8."""
BEYOND_INT64 = 2**63


@pytest.fixture
async def theirs(mongo: Mongo) -> Documents:
    documents = mongo.documents("things", "them")
    await documents.insert({"_id": "secret", "name": "chair"})
    return documents


@pytest.mark.parametrize(
    "tenant_id",
    [EVERYTHING, {"$ne": None}, ["them"], None, 7, b"them", "", "t" * 201],
    ids=lambda tenant_id: repr(tenant_id)[:20],
)
async def test_what_is_no_tenant_id_opens_no_collection(
    mongo: Mongo, theirs: Documents, tenant_id: Any
) -> None:
    assert await theirs.count() == 1

    with pytest.raises((TypeError, ValueError), match="tenant"):
        mongo.documents("things", tenant_id)


async def test_a_refused_tenant_id_is_not_repeated_in_full(mongo: Mongo) -> None:
    with pytest.raises(ValueError, match="tenant") as raised:
        mongo.documents("things", "t" * 10_000)

    assert len(str(raised.value)) < 300


READS: dict[str, Callable[[Documents, Any], Awaitable[Any]]] = {
    "get": lambda documents, value: documents.get(value),
    "get_many": lambda documents, value: documents.get_many([value]),
    "find_in": lambda documents, value: documents.find_in("name", [value]),
    "distinct_in": lambda documents, value: documents.distinct_in("name", "name", [value]),
    "remove_many": lambda documents, value: documents.remove_many([value]),
    "put": lambda documents, value: documents.put({"_id": value, "name": "table"}),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("value", [EVERYTHING, {"$regex": "."}, 7, None, ["secret"]], ids=repr)
async def test_what_is_no_text_asks_nothing_of_the_store(
    mongo: Mongo, theirs: Documents, read: Callable[[Documents, Any], Awaitable[Any]], value: Any
) -> None:
    with pytest.raises(TypeError, match="text"):
        await read(mongo.all_tenants("things"), value)

    assert await theirs.get("secret") == {"_id": "secret", "tenant_id": "them", "name": "chair"}


WRITES: dict[str, Callable[[Documents, Any], Awaitable[Any]]] = {
    "insert": lambda documents, value: documents.insert({"_id": "1", "value": value}),
    "insert_many": lambda documents, value: documents.insert_many([{"_id": "1", "value": value}]),
    "insert_new": lambda documents, value: documents.insert_new([{"_id": "1", "value": value}]),
    "put": lambda documents, value: documents.put({"_id": "1", "value": value}),
    "update": lambda documents, value: documents.bulk([Update({"_id": "1"}, {"$set": {"value": value}})]),
    "change": lambda documents, value: documents.change({"_id": "1"}, {"$set": {"value": value}}),
    "change_many": lambda documents, value: documents.change_many({}, {"$set": {"value": value}}),
    "take": lambda documents, value: documents.take({"value": value}, {"$set": {"seen": True}}),
    "find": lambda documents, value: documents.find({"value": value}),
    "count": lambda documents, value: documents.count({"value": value}),
    "distinct": lambda documents, value: documents.distinct("value", {"value": value}),
    "aggregate": lambda documents, value: documents.aggregate([{"$match": {"value": value}}]),
    "remove": lambda documents, value: documents.remove({"value": value}),
    "upsert_newer": lambda documents, value: documents.upsert_newer(
        [{"_id": "1", "revision": 1, "value": value}]
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "value",
    [BEYOND_INT64, HALF_A_PAIR, {1: 2}, {"a\x00": 1}, object()],
    ids=["beyond int64", "half a pair", "number as name", "zero byte in a name", "no type of the store"],
)
async def test_what_the_store_cannot_hold_is_refused_in_a_sentence(
    mongo: Mongo, write: Callable[[Documents, Any], Awaitable[Any]], value: Any
) -> None:
    with pytest.raises(RuleBroken, match="document store cannot hold"):
        await write(mongo.documents("things", "us"), value)


async def test_a_document_that_is_too_large_is_refused_in_a_sentence(mongo: Mongo) -> None:
    with pytest.raises(RuleBroken, match="document store cannot hold"):
        await mongo.documents("things", "us").insert({"_id": "1", "value": "x" * 17_000_000})


async def test_an_id_that_is_no_utf_8_finds_nothing_and_is_refused_in_a_sentence(mongo: Mongo) -> None:
    with pytest.raises(RuleBroken, match="document store cannot hold"):
        await mongo.documents("things", "us").get(HALF_A_PAIR)


async def test_what_cannot_be_held_undoes_the_transaction_around_it(mongo: Mongo) -> None:
    things = mongo.documents("things", "us")

    async def work(session: Session) -> None:
        await things.insert({"_id": "1"}, session=session)
        await things.bulk([Put({"_id": "2", "value": BEYOND_INT64})], session=session)

    with pytest.raises(RuleBroken, match="document store cannot hold"):
        await mongo.transaction(work)

    assert await things.find() == []


async def test_a_fault_of_ours_inside_a_transaction_stays_one(mongo: Mongo) -> None:
    async def work(_: Session) -> None:
        raise OverflowError("int too large to convert to float")

    with pytest.raises(OverflowError):
        await mongo.transaction(work)


async def test_a_refusal_never_repeats_the_value(mongo: Mongo) -> None:
    with pytest.raises(RuleBroken) as raised:
        await mongo.documents("things", "us").insert({"_id": "1", "value": f"canary{HALF_A_PAIR}"})

    assert "canary" not in str(raised.value)
