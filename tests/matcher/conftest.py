"""Matcher's verbs on both stores: what holds for the fake must hold for the real one."""

from collections.abc import AsyncIterator

import pytest
from matcher_http import Matcher, matcher_over_http
from matcher_world import World, memory_world, mongo_world

from matcher.mappings.indexes import INDEXES
from shared.mongo import Mongo


@pytest.fixture
async def stored_world(mongo: Mongo) -> World:
    await mongo.ensure(INDEXES)
    return mongo_world(mongo)


@pytest.fixture
async def matcher(mongo: Mongo) -> AsyncIterator[Matcher]:
    await mongo.ensure(INDEXES)
    async with matcher_over_http(mongo) as one:
        yield one


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.server)])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return memory_world()
    stored: World = request.getfixturevalue("stored_world")
    return stored
