"""What the API's description tells those who build on it."""

from typing import Any

import pytest
from api_description import assert_valid
from matcher_http import matcher_app

from shared.mongo import Mongo


@pytest.fixture
async def description(mongo: Mongo) -> dict[str, Any]:
    return matcher_app(mongo).openapi()


async def test_the_api_describes_itself_validly(description: dict[str, Any]) -> None:
    assert_valid(description)


async def test_every_route_has_a_description_takes_a_token_and_refuses_with_a_problem(
    description: dict[str, Any],
) -> None:
    routes = [route for path in description["paths"].values() for route in path.values()]

    assert len(routes) == 27
    for route in routes:
        assert route["tags"]
        assert route["description"]
        assert route["security"]
        assert {"401", "403", "422"} <= route["responses"].keys()
        refusals = [answer for status, answer in route["responses"].items() if status >= "400"]
        assert all(list(refusal["content"]) == ["application/problem+json"] for refusal in refusals)


@pytest.mark.parametrize(
    ("path", "method", "refusals"),
    [
        ("/mappings/{kind}/{vendor_integration_id}/{vendor_id}", "put", {"404", "409"}),
        ("/mappings/{kind}/{vendor_integration_id}/{vendor_id}", "delete", {"404", "409"}),
        ("/mappings/{kind}/{vendor_integration_id}/{vendor_id}/undo", "post", {"404", "409"}),
        ("/mappings/{kind}/{vendor_integration_id}/{vendor_id}/history", "get", {"404"}),
        ("/mappings", "post", {"409"}),
        ("/proposals/{kind}/{vendor_integration_id}/{vendor_id}", "get", {"404"}),
        ("/proposals/{kind}/{vendor_integration_id}/{vendor_id}/refusals", "post", {"404"}),
        ("/finish", "post", {"404", "409"}),
        ("/finish", "get", {"404"}),
        ("/mappings/export", "get", {"409"}),
        ("/mapping-plans/{plan_id}", "get", {"404"}),
        ("/mapping-plans/{plan_id}/apply", "post", {"404", "409"}),
        ("/mapping-versions/{version_id}/rollback", "post", {"404"}),
        ("/relinks", "post", {"404", "409"}),
    ],
)
async def test_a_decision_names_what_it_may_be_refused_for(
    description: dict[str, Any], path: str, method: str, refusals: set[str]
) -> None:
    responses = description["paths"][path][method]["responses"]

    assert refusals == responses.keys() & {"404", "409"}


@pytest.mark.parametrize("path", ["/accounts", "/services", "/products", "/mappings"])
async def test_a_list_begins_at_a_cursor_and_has_fifty_rows_by_default(
    description: dict[str, Any], path: str
) -> None:
    parameters = {one["name"]: one["schema"] for one in description["paths"][path]["get"]["parameters"]}

    assert parameters["limit"]["default"] == 50
    assert parameters["after"]["anyOf"][0]["format"] in {"key-cursor", "pair-cursor"}
