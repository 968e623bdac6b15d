from typing import Any

import pytest
from approval_env import Desk
from billing_http import the_app
from openapi_spec_validator import validate

from shared.mongo import Mongo


@pytest.fixture
async def described(mongo: Mongo) -> dict[str, Any]:
    return the_app(Desk(mongo)).openapi()


async def test_the_api_describes_itself_validly(described: dict[str, Any]) -> None:
    validate(described)


async def test_every_route_says_what_it_does_takes_a_token_and_refuses_with_a_problem(
    described: dict[str, Any],
) -> None:
    routes = [route for path in described["paths"].values() for route in path.values()]

    assert len(routes) == 10
    for route in routes:
        assert route["description"]
        assert route["security"]
        assert {"401", "403", "422"} <= route["responses"].keys()
        assert list(route["responses"]["401"]["content"]) == ["application/problem+json"]
