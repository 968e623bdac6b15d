"""The HTTP contracts: what each service's description of its API says of every route."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from api_description import assert_valid
from auth_env import auth_settings
from fastapi import FastAPI
from news_reader import no_news
from people import a_verifier
from pydantic import SecretStr

import auth.app
import billing.app
import matcher.app
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.runtime.settings import KafkaSettings, MongoSettings, RedisSettings
from shared.status_channel import StatusChannel

Json = dict[str, Any]

ROUTES = {
    "auth": {
        "POST /sessions",
        "GET /.well-known/jwks.json",
        "POST /integrations",
        "GET /integrations",
        "GET /integrations/{integration_id}",
        "DELETE /integrations/{integration_id}",
    },
    "matcher": {
        "GET /counts",
        "GET /finish",
        "GET /settings",
        "PUT /settings",
        "GET /accounts",
        "GET /services",
        "GET /products",
        "GET /mappings",
        "PUT /mappings/{kind}/{vendor_integration_id}/{vendor_id}",
        "DELETE /mappings/{kind}/{vendor_integration_id}/{vendor_id}",
        "POST /mappings/{kind}/{vendor_integration_id}/{vendor_id}/undo",
        "GET /mappings/{kind}/{vendor_integration_id}/{vendor_id}/history",
        "POST /mappings",
        "POST /mappings/accept-preview",
        "GET /proposals/{kind}/{vendor_integration_id}/{vendor_id}",
        "POST /proposals/{kind}/{vendor_integration_id}/{vendor_id}/refusals",
        "DELETE /proposals/{kind}/{vendor_integration_id}/{vendor_id}/refusals/{psa_integration_id}/{psa_id}",
        "POST /finish",
        "GET /mappings/export",
        "POST /mappings/import",
        "GET /mapping-plans/{plan_id}",
        "POST /mapping-plans/{plan_id}/apply",
        "GET /mapping-versions",
        "POST /mapping-versions",
        "GET /mapping-versions/{version_id}/diff",
        "POST /mapping-versions/{version_id}/rollback",
        "POST /relinks",
    },
    "billing": {
        "GET /held-runs",
        "POST /rules/preview",
        "POST /held-runs/{integration_id}/{run_id}/reject",
        "POST /held-runs/{integration_id}/{run_id}/release",
        "GET /usage",
        "GET /usage/{line_id}",
        "GET /usage/{line_id}/history",
        "POST /usage/{line_id}/approvals",
        "POST /approvals",
        "GET /approvals",
        "GET /approvals/{approval_id}",
        "GET /runs",
        "POST /syncs",
        "GET /audit",
    },
}
PUBLIC = {
    "POST /sessions": "it is where a person gets the token",
    "GET /.well-known/jwks.json": "every service fetches the keys that it verifies tokens with",
}
FURTHER_REFUSALS = {
    "POST /sessions": {
        "401": "the password may be wrong",
        "409": "somebody of several tenants must name one",
        "429": "somebody who failed too often must wait",
    },
    "POST /integrations": {"503": "the provider may be busy; what it refuses is a 422 with its fields"},
    "PUT /mappings/{kind}/{vendor_integration_id}/{vendor_id}": {"409": "the PSA item may be gone"},
    "DELETE /mappings/{kind}/{vendor_integration_id}/{vendor_id}": {"409": "another may stand by then"},
    "POST /mappings/{kind}/{vendor_integration_id}/{vendor_id}/undo": {"409": "another may stand by then"},
    "POST /mappings": {"409": "the key may be used for another request"},
    "POST /mapping-plans/{plan_id}/apply": {"409": "its ground may have changed"},
    "POST /finish": {
        "404": "an integration may not exist",
        "409": "something may be left to map, or the key be used for another request",
    },
    "POST /usage/{line_id}/approvals": {"409": "the line may have changed since it was shown"},
    "POST /approvals": {"409": "the key may be used for another request"},
    "POST /syncs": {"409": "there may be nothing to sync"},
}
"""How a route can refuse besides what its shape tells: who is calling, its input, what its path names."""


@dataclass(frozen=True)
class Route:
    """One operation of a description; `name` is its method and path."""

    name: str
    operation: Json

    def media_types(self, status: str) -> list[str]:
        """Returns the media types of an answer; none when the answer is not described."""
        return list(self.operation["responses"].get(status, {}).get("content", {}))


@dataclass(frozen=True)
class Api:
    """A service's description of its API."""

    service: str
    document: Json

    def routes(self) -> Iterator[Route]:
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                yield Route(f"{method.upper()} {path}", operation)

    def is_free_form(self, schema: Json) -> bool:
        """Whether a schema says nothing of what it describes: `{}`, or an object of anything."""
        if "$ref" in schema:
            return self.is_free_form(self._resolve(schema["$ref"]))
        if parts := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
            return any(self.is_free_form(part) for part in parts)
        if schema.get("type") == "object":
            return not schema.get("properties")
        return not {"type", "enum", "const"} & schema.keys()

    def _resolve(self, ref: str) -> Json:
        found: Json = self.document
        for name in ref.removeprefix("#/").split("/"):
            found = found[name]
        return found


@pytest.fixture
async def mongo_client() -> AsyncIterator[Mongo]:
    """A client of no store: an application describes itself without one."""
    client = Mongo(MongoSettings(url=SecretStr("mongodb://127.0.0.1:9"), database="none"))
    yield client
    await client.close()


@pytest.fixture(params=sorted(ROUTES))
def api(request: pytest.FixtureRequest, mongo_client: Mongo) -> Api:
    service = str(request.param)
    return Api(service, APPS[service](mongo_client).openapi())


def test_the_description_is_valid(api: Api) -> None:
    assert_valid(api.document)


def test_every_route_is_described_and_no_other(api: Api) -> None:
    assert {route.name for route in api.routes()} == ROUTES[api.service]


def test_every_route_says_what_it_does_and_where_it_belongs(api: Api) -> None:
    silent = [route.name for route in api.routes() if not route.operation.get("description")]
    untagged = [route.name for route in api.routes() if not route.operation.get("tags")]

    assert (silent, untagged) == ([], [])


def test_every_route_takes_a_bearer_token_unless_it_is_public_for_a_reason(api: Api) -> None:
    schemes = api.document.get("components", {}).get("securitySchemes", {})
    bearer: list[Json] = [{name: []} for name, scheme in schemes.items() if scheme.get("scheme") == "bearer"]

    assert len(bearer) == 1
    for route in api.routes():
        expected = [] if route.name in PUBLIC else bearer
        assert route.operation.get("security", []) == expected, route.name


def test_every_route_says_what_it_answers_when_all_is_well(api: Api) -> None:
    for route in api.routes():
        answers = {
            status: answer for status, answer in route.operation["responses"].items() if status < "300"
        }
        assert answers, route.name
        for status, answer in answers.items():
            content = answer.get("content", {})
            assert content or status == "204", f"{route.name} {status}"
            for media_type, described in content.items():
                free_form = api.is_free_form(described.get("schema", {}))
                assert not free_form, f"{route.name} {status} {media_type}"


def test_every_route_says_how_it_refuses_and_refuses_with_a_problem_document(api: Api) -> None:
    for route in api.routes():
        refusals = {status for status in route.operation["responses"] if status >= "400"}
        missing = expected_refusals(route) - refusals
        assert not missing, f"{route.name} {sorted(missing)}"
        for status in refusals:
            assert route.media_types(status) == ["application/problem+json"], f"{route.name} {status}"


def test_the_lists_of_exceptions_name_routes_that_exist() -> None:
    every_route = set().union(*ROUTES.values())

    assert PUBLIC.keys() | FURTHER_REFUSALS.keys() <= every_route


def expected_refusals(route: Route) -> set[str]:
    """Returns the statuses with which a route can refuse."""
    refusals = set(FURTHER_REFUSALS.get(route.name, {}))
    if route.name not in PUBLIC:
        refusals |= {"401", "403", "422"}
    elif "requestBody" in route.operation or "parameters" in route.operation:
        refusals.add("422")
    if "{" in route.name:
        refusals.add("404")
    return refusals


def auth_app(mongo: Mongo) -> FastAPI:
    settings = auth_settings()
    return auth.app.make_app(settings, mongo, make_broker(settings.kafka, "auth"))


def matcher_app(mongo: Mongo) -> FastAPI:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:9"), "matcher")
    return matcher.app.make_app(mongo, broker, a_verifier(), no_news())


def billing_app(mongo: Mongo) -> FastAPI:
    broker = make_broker(KafkaSettings(servers="127.0.0.1:9"), "billing")
    status_channel = StatusChannel(RedisSettings(url=SecretStr("redis://127.0.0.1:9")))
    dependencies = billing.app.BillingDependencies(mongo, broker, status_channel, a_verifier(), no_news())
    return billing.app.make_app(dependencies)


APPS: dict[str, Callable[[Mongo], FastAPI]] = {
    "auth": auth_app,
    "matcher": matcher_app,
    "billing": billing_app,
}
