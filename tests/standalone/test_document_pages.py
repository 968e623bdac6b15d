"""A page of the document store is what sorting all that fits would give, and a count counts each once."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection

Rows = AsyncCollection[dict[str, Any]]

NAMES = ("", "a", "ab", "abc", "a\x00b", "b", "ä", "\N{GRINNING FACE}", "z" * 200)
WORDS = ("den", "dental", "dent+", "denz", "deo", "\N{GRINNING FACE}", "")
ROWS = 300
EACH = {"half": 2, "half-and-more": 3, "often": 4, "rare": 40, "never-alone": 60, "no": 10_000}
"""Words, and every how many rows have one."""


def some_rows() -> list[dict[str, Any]]:
    """With texts, numbers, nothing and no field at all under the name that lists are sorted by."""
    made = random.Random(7)  # noqa: S311  rows, not a secret
    rows = []
    for number in range(ROWS):
        row: dict[str, Any] = {"_id": f"{number:03}", "tenant": made.choice("tu"), "present": number % 3 > 0}
        row["words"] = made.sample(WORDS, made.randrange(4))
        if number % 10:
            row["name"] = made.choice((*NAMES, None, number % 4, 2.5))
        rows.append(row)
    return rows


@pytest.fixture
async def rows(mongo_url: str) -> AsyncIterator[Rows]:
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        collection = client.paged.rows
        await collection.drop()
        await collection.create_index([("tenant", 1), ("name", 1), ("_id", 1)])
        await collection.create_index([("tenant", 1), ("words", 1)])
        await collection.insert_many(some_rows())
        yield collection


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"present": True},
        {"present": True, "words": {"$regex": "^dent"}},
        {"name": {"$gte": "a"}},
        {"name": {"$gt": "a", "$lte": "b"}, "present": False},
        {"name": {"$lt": "b"}},
        {"name": {"$lte": 2}},
        {"$or": [{"name": "ab"}, {"words": "deo"}]},
        {"name": None},
        {"name": "ab"},
        {"words": "den"},
    ],
    ids=str,
)
async def test_a_page_is_the_beginning_of_all_that_fits(
    rows: Rows, condition: dict[str, Any], direction: int
) -> None:
    order = [("name", direction), ("_id", direction)]
    filter_ = {"tenant": "t", **condition}
    bare = rows.database.bare
    await bare.drop()
    await bare.insert_many(some_rows())
    whole = await bare.find(filter_).sort(order).to_list()

    for skip, limit in ((0, 1), (0, 7), (5, 10), (0, ROWS)):
        page = await rows.find(filter_).sort(order).skip(skip).limit(limit).to_list()

        assert page == whole[skip : skip + limit]


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    "begins",
    [("rare",), ("often",), ("often", "half"), ("half", "never"), ("rare", "half"), ("often", "no"), ("no",)],
    ids=str,
)
async def test_a_page_of_what_few_of_many_have_is_the_beginning_of_all_that_fits(
    rows: Rows, begins: tuple[str, ...], direction: int
) -> None:
    order = [("name", direction), ("_id", direction)]
    many: list[dict[str, Any]] = [
        {"_id": f"m{number:04}", "tenant": "m", "name": f"{number % 7}", "present": number % 5 > 0}
        | {"words": [word for word, each in EACH.items() if (number * 31) % 997 % each == 0]}
        for number in range(1_500)
    ]
    await rows.insert_many(many)
    fitting = [
        row["_id"]
        for row in sorted(many, key=lambda row: (row["name"], row["_id"]))[::direction]
        if row["present"] and all(any(word.startswith(one) for word in row["words"]) for one in begins)
    ]
    filter_ = {"tenant": "m", "present": True, "$and": [{"words": {"$regex": f"^{one}"}} for one in begins]}

    for skip, limit in ((0, 1), (0, 51), (20, 10), (0, 1_500)):
        page = await rows.find(filter_, ["_id"]).sort(order).skip(skip).limit(limit).to_list()

        assert [row["_id"] for row in page] == fitting[skip : skip + limit]


async def test_a_page_is_found_where_an_index_has_its_order_alone(rows: Rows) -> None:
    await rows.create_index([("present", 1)])

    page = await rows.find({"tenant": "t"}).sort([("present", 1)]).limit(3).to_list()

    assert [row["present"] for row in page] == [False] * 3


async def test_a_page_of_some_fields_holds_these_alone(rows: Rows) -> None:
    page = await rows.find({"tenant": "t"}, ["name"]).sort([("name", 1), ("_id", 1)]).limit(200).to_list()

    assert len(page) > 100
    assert all(row.keys() <= {"_id", "name"} for row in page)


@pytest.mark.parametrize(
    ("pattern", "begins"),
    [("^dent", "dent"), (r"^dent\+", "dent+"), ("^\N{GRINNING FACE}", "\N{GRINNING FACE}"), ("^x", "x")],
)
async def test_texts_are_found_and_counted_by_their_beginning(rows: Rows, pattern: str, begins: str) -> None:
    fitting = {
        row["_id"]
        for row in some_rows()
        if row["tenant"] == "t" and any(word.startswith(begins) for word in row["words"])
    }
    filter_ = {"tenant": "t", "words": {"$regex": pattern}}

    assert {row["_id"] for row in await rows.find(filter_).to_list()} == fitting
    assert await rows.count_documents(filter_) == len(fitting)
    assert await rows.count_documents(filter_, limit=3) == min(3, len(fitting))


async def test_what_begins_with_several_texts_is_found_and_counted(rows: Rows) -> None:
    begins = ("den", "deo", "dental")
    fitting = {
        row["_id"]
        for row in some_rows()
        if row["tenant"] == "t" and all(any(word.startswith(b) for word in row["words"]) for b in begins)
    }
    filter_ = {"tenant": "t", "$and": [{"words": {"$regex": f"^{one}"}} for one in begins]}

    assert fitting
    assert {row["_id"] for row in await rows.find(filter_).to_list()} == fitting
    assert await rows.count_documents(filter_) == len(fitting)
    assert await rows.count_documents(filter_, limit=2) == 2
    assert len(await rows.find({**filter_, "present": True}).to_list()) < len(fitting)


async def test_what_is_not_before_a_moment_is_found_and_counted(rows: Rows) -> None:
    moments = [datetime(2026, 11, day, tzinfo=UTC) for day in range(1, 5)]
    await rows.insert_many(
        {"_id": f"m{at}", "tenant": "m", "name": value}
        for at, value in enumerate([*moments, "text", 7, None])
    )
    filter_ = {"tenant": "m", "name": {"$gte": moments[1]}}

    assert sorted(row["_id"] for row in await rows.find(filter_).to_list()) == ["m1", "m2", "m3"]
    assert await rows.count_documents(filter_) == 3


@pytest.mark.parametrize("bound", ["ab", "b", "", 2, 2.5], ids=repr)
async def test_what_is_not_above_a_bound_is_found_with_the_bound_itself(rows: Rows, bound: Any) -> None:
    bare = rows.database.bare
    await bare.drop()
    await bare.insert_many(some_rows())
    for condition in ({"$lte": bound}, {"$gte": bound, "$lte": bound}):
        filter_ = {"tenant": "t", "name": condition}
        whole = {row["_id"] for row in await bare.find(filter_).to_list()}

        assert whole
        assert {row["_id"] for row in await rows.find(filter_).to_list()} == whole
        assert await rows.count_documents(filter_) == len(whole)


@pytest.mark.parametrize(
    "condition",
    [{}, {"name": "ab"}, {"words": "den"}, {"present": True}, {"name": None}, {"name": {"$gt": 1}}],
    ids=str,
)
async def test_a_count_counts_what_is_found(rows: Rows, condition: dict[str, Any]) -> None:
    filter_ = {"tenant": "t", **condition}

    assert await rows.count_documents(filter_) == len(await rows.find(filter_).to_list())


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("^de(n|o)$", {"den", "deo"}),
        ("ental", {"dental"}),
        ("^den.$", {"dent", "denz"}),
        ("(?i)^DEO", {"deo"}),
    ],
)
async def test_a_pattern_that_is_no_beginning_finds_what_it_fits(
    rows: Rows, pattern: str, words: set[str]
) -> None:
    fitting = {row["_id"] for row in some_rows() if row["tenant"] == "t" and words & {*row["words"]}}

    found = await rows.distinct("_id", {"tenant": "t", "words": {"$regex": pattern}})

    assert {*found} == fitting


async def test_a_transaction_counts_what_it_has_written_since_it_counted(rows: Rows) -> None:
    begins = [{"words": {"$regex": "^den"}}, {"words": {"$regex": "^deo"}}]
    filter_ = {"tenant": "t", "$and": begins}
    order = [("name", 1), ("_id", 1)]
    async with rows.database.client.start_session() as session:
        await session.start_transaction()
        before = await rows.count_documents(filter_, session=session)
        # Another's row: a transaction sees the moment at which it began.
        await rows.insert_one({"_id": "other", "tenant": "t", "words": ["den", "deo"], "name": ""})
        again = await rows.count_documents(filter_, session=session)
        await rows.insert_one(
            {"_id": "own", "tenant": "t", "words": ["den", "deo"], "name": ""}, session=session
        )
        after = await rows.count_documents(filter_, session=session)
        page = await rows.find(filter_, session=session).sort(order).limit(ROWS).to_list()
        await session.commit_transaction()

    assert (again, after, len(page)) == (before, before + 1, before + 1)
    assert await rows.count_documents(filter_) == before + 2
