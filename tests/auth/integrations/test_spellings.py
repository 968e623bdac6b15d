"""One address in many spellings is one integration, and what an older build made of them is found again."""

from typing import Any

import httpx
import pytest
from auth_env import auth_over_http, connect, outbox_messages
from provider_fakes import FakeProviders, Marketplace, a_connectwise, an_ingram, connectwise_body, ingram_body

from auth.integrations.models import Integration
from shared.contracts.auth import IntegrationConnected
from shared.mongo import Mongo
from shared.runtime.clock import utc_now

SPELLINGS = [
    "https://api.cloud.im:443/marketplace/na",
    "https://api.cloud.im/marketplace/./na",
    "https://api.cloud.im/marketplace//na/",
    "https://api.cloud.im./marketplace/na",
    "https://API.cloud.im/marketplace/na",
    "https://api.cloud.im/%6Darketplace/na",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_another_spelling_of_the_address_is_no_second_integration(mongo: Mongo, spelling: str) -> None:
    providers = Marketplace()
    # A server that takes the address as it is typed, as the vendor's does.
    transport = httpx.MockTransport(lambda request: providers(_plain(request)))

    async with auth_over_http(mongo, transport) as auth:
        first = await connect(auth, ingram_body())
        second = await connect(auth, ingram_body(base_url=spelling))

    assert (second["integration_id"], second["realm"]) == (first["integration_id"], first["realm"])
    assert first["realm"] == "https://api.cloud.im/marketplace/na#us@1000001"
    assert second["generation"] > first["generation"]
    assert await mongo.all_tenants("integrations").count() == 1


def _plain(request: httpx.Request) -> httpx.Request:
    path = request.url.path.replace("//", "/").replace("/./", "/")
    url = request.url.copy_with(host="api.cloud.im", path=path)
    return httpx.Request(request.method, url, headers=request.headers, content=request.content)


@pytest.mark.parametrize("spelling", ["https://api-na.myconnectwise.net:443", "API-NA.myconnectwise.net."])
async def test_another_spelling_of_a_psas_host_is_no_second_integration(mongo: Mongo, spelling: str) -> None:
    async with auth_over_http(mongo, FakeProviders().transport) as auth:
        first = await connect(auth, connectwise_body())
        second = await connect(auth, connectwise_body(host=spelling))

    assert second["integration_id"] == first["integration_id"]
    assert second["generation"] > first["generation"]


@pytest.mark.parametrize(
    ("former", "body"),
    [
        ("https://api.cloud.im:443/marketplace/na#us", ingram_body()),
        ("https://api.cloud.im./marketplace//na#us", ingram_body()),
        ("https://api.cloud.im/marketplace/na#us", ingram_body(base_url=SPELLINGS[0])),
        ("api-na.myconnectwise.net:443/acme", connectwise_body()),
        ("api-na.myconnectwise.net./acme", connectwise_body()),
    ],
)
async def test_what_an_older_build_connected_keeps_its_id_and_its_realm(
    mongo: Mongo, former: str, body: dict[str, Any]
) -> None:
    make = an_ingram if body["provider"] == "ingram-micro" else a_connectwise
    old = Integration.connect("demo", make(), previous=None, now=utc_now()).model_copy(
        update={"integration_id": "int_former", "realm": former}
    )
    row = {"_id": old.integration_id} | old.model_dump(mode="json", exclude={"identity"})
    await mongo.documents("integrations", "demo").put(row)
    providers = FakeProviders() if body["provider"] == "connectwise" else Marketplace()
    transport = httpx.MockTransport(lambda request: providers(_plain(request)))

    async with auth_over_http(mongo, transport if "base_url" in body else providers.transport) as auth:
        again = await connect(auth, body)

    assert (again["integration_id"], again["realm"]) == ("int_former", former)
    assert again["generation"] > 1
    [event] = await outbox_messages(mongo, IntegrationConnected)
    assert (event.integration_id, event.realm) == ("int_former", former)
