"""A matcher with some accounts on both sides, whose plans the tests make."""

import pytest
from matcher_http import MatcherClient
from plan_world import PlanWorld

from shared.mongo import Mongo


@pytest.fixture
async def plans(matcher: MatcherClient, mongo: Mongo) -> PlanWorld:
    world = PlanWorld(matcher, mongo)
    await world.know()
    return world
