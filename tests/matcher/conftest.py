"""Matcher's use cases on both stores: what holds for the fake must hold for the real one."""

from collections.abc import AsyncIterator

import pytest
from matcher_http import MatcherClient, matcher_over_http
from matcher_world import MatcherWorld, memory_world, mongo_world

from matcher.app import INDEXES
from shared.mongo import Mongo


@pytest.fixture
async def stored_world(mongo: Mongo) -> MatcherWorld:
    await mongo.ensure(INDEXES)
    return mongo_world(mongo)


@pytest.fixture
async def matcher(mongo: Mongo) -> AsyncIterator[MatcherClient]:
    await mongo.ensure(INDEXES)
    async with matcher_over_http(mongo) as client:
        yield client


@pytest.fixture(params=["memory", pytest.param("mongo", marks=pytest.mark.server)])
def world(request: pytest.FixtureRequest) -> MatcherWorld:
    if request.param == "memory":
        return memory_world()
    stored: MatcherWorld = request.getfixturevalue("stored_world")
    return stored
