"""What the descriptions of all services promise of what can be sent to them."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_description import assert_valid
from auth_env import auth_settings
from fastapi import FastAPI
from people import a_verifier
from pydantic import SecretStr

from auth.app import create_app as create_auth
from billing.app import BillingDependencies
from billing.app import make_app as make_billing
from console.app import create_app as create_console
from console.settings import Settings as ConsoleSettings
from matcher.app import make_app as make_matcher
from shared.kafka import make_broker
from shared.mongo import Mongo
from shared.news_channel import NewsChannel
from shared.runtime.settings import AuthSettings, KafkaSettings, MongoSettings, RedisSettings
from shared.status_channel import StatusChannel

NOWHERE = "127.0.0.1:9"
Schema = dict[str, Any]


def matcher() -> FastAPI:
    broker = make_broker(KafkaSettings(servers=NOWHERE), "matcher")
    return make_matcher(a_store(), broker, a_verifier(), NewsChannel(a_redis()))


def billing() -> FastAPI:
    broker = make_broker(KafkaSettings(servers=NOWHERE), "billing")
    channels = StatusChannel(a_redis()), a_verifier(), NewsChannel(a_redis())
    return make_billing(BillingDependencies(a_store(), broker, *channels))


def console() -> FastAPI:
    settings = ConsoleSettings(
        auth=AuthSettings(url=f"http://{NOWHERE}", issuer="trueup"), redis=a_redis().model_dump()
    )
    return create_console(settings)


def a_store() -> Mongo:
    return Mongo(MongoSettings(url=SecretStr(f"mongodb://{NOWHERE}"), database="none"))


def a_redis() -> RedisSettings:
    return RedisSettings(url=SecretStr(f"redis://{NOWHERE}"))


APPS = {
    "auth": lambda: create_auth(auth_settings()),
    "matcher": matcher,
    "billing": billing,
    "console": console,
}


@pytest.fixture(params=APPS)
async def description(request: pytest.FixtureRequest) -> Schema:
    app: FastAPI = APPS[request.param]()
    return app.openapi()


async def test_every_text_that_can_be_sent_has_a_length(description: Schema) -> None:
    unbounded = [
        place
        for place, schema in sent_schemas(description)
        if schema.get("type") == "string" and not {"maxLength", "enum", "const", "format"} & schema.keys()
    ]

    assert unbounded == []


async def test_every_list_and_number_that_can_be_sent_has_a_bound(description: Schema) -> None:
    bounds = {"array": "maxItems", "integer": "maximum"}
    unbounded = [
        place
        for place, schema in sent_schemas(description)
        if (bound := bounds.get(str(schema.get("type")))) and bound not in schema
    ]

    assert unbounded == []


async def test_every_object_that_can_be_sent_refuses_fields_that_it_does_not_know(
    description: Schema,
) -> None:
    open_objects = [
        place
        for place, schema in sent_schemas(description)
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False
    ]

    assert open_objects == []


def sent_schemas(description: Schema) -> Iterator[tuple[str, Schema]]:
    """Yields every schema that a request is described with, and where it stands."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            place = f"{method} {path}"
            for parameter in operation.get("parameters", ()):
                yield from parts(description, f"{place} {parameter['name']}", parameter["schema"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from parts(description, f"{place} body", content["schema"])


def parts(description: Schema, place: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    if reference := schema.get("$ref"):
        yield from parts(
            description, place, description["components"]["schemas"][reference.rpartition("/")[2]]
        )
        return
    yield place, schema
    for keyword in ("anyOf", "oneOf", "allOf"):
        for choice in schema.get(keyword, ()):
            yield from parts(description, place, choice)
    if "items" in schema:
        yield from parts(description, f"{place}[]", schema["items"])
    for name, field in schema.get("properties", {}).items():
        yield from parts(description, f"{place}.{name}", field)


@pytest.mark.parametrize("name", ["auth", "matcher", "billing"])
async def test_each_description_is_valid(name: str) -> None:
    assert_valid(APPS[name]().openapi())
