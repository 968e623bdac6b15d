"""Connecting again: the same account is the same integration however it is typed, and no other account is."""

from typing import Any

import httpx
import pytest
from auth_env import a_repository, auth_over_http, connect, outbox_messages, person_headers
from provider_fakes import INGRAM, OURS, FakeProviders, Marketplace, an_ingram, ingram_body

from auth.providers.models import AccountIdentity
from shared.contracts.auth import IntegrationConnected
from shared.errors import Conflict
from shared.mongo import Mongo
from shared.runtime.clock import utc_now
from shared.web.person import Role

OUR_USER, SISTERS_USER = {"username": "acme.api"}, {"username": "sister.api"}


async def connect_again(auth: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await auth.post("/integrations", json=body, headers=person_headers(Role.ADMIN))


@pytest.mark.parametrize("rows_tell", [True, False], ids=["rows-tell", "details-tell"])
async def test_credentials_of_another_reseller_are_refused_and_nothing_is_saved(
    mongo: Mongo, rows_tell: bool
) -> None:
    providers = Marketplace()
    providers.rows_tell = rows_tell

    async with auth_over_http(mongo, providers.transport) as auth:
        await connect(auth, ingram_body(**OUR_USER))
        stored = [await mongo.all_tenants(name).find() for name in ("integrations", "credentials", "outbox")]
        answer = await connect_again(auth, ingram_body(**SISTERS_USER))
        after = [await mongo.all_tenants(name).find() for name in ("integrations", "credentials", "outbox")]

    assert (answer.status_code, [field["name"] for field in answer.json()["fields"]]) == (422, ["username"])
    told = "Ingram Micro US is connected as reseller 1000001; these credentials are of 1000002."
    assert answer.json()["detail"] == f"{told} Nothing was saved."
    assert after == stored


async def test_an_integration_that_was_disconnected_takes_no_other_reseller_either(mongo: Mongo) -> None:
    async with auth_over_http(mongo, Marketplace().transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        await auth.delete(f"/integrations/{first['integration_id']}", headers=person_headers(Role.ADMIN))
        answer = await connect_again(auth, ingram_body(**SISTERS_USER))

    assert answer.status_code == 422


async def test_a_second_reseller_of_a_marketplace_is_connected_by_naming_it(mongo: Mongo) -> None:
    async with auth_over_http(mongo, Marketplace().transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        sister = await connect(auth, ingram_body(**SISTERS_USER, reseller="1000002"))
        both = [await connect(auth, ingram_body(**user)) for user in (OUR_USER, SISTERS_USER)]

    assert sister["realm"] == "https://api.cloud.im/marketplace/na#us@1000002"
    assert [one["integration_id"] for one in both] == [first["integration_id"], sister["integration_id"]]
    assert all(
        one["generation"] > before["generation"] for one, before in zip(both, (first, sister), strict=True)
    )


@pytest.mark.parametrize("connected_before", [True, False])
async def test_a_reseller_that_is_named_must_be_the_credentials_own(
    mongo: Mongo, connected_before: bool
) -> None:
    async with auth_over_http(mongo, Marketplace().transport) as auth:
        if connected_before:
            await connect(auth, ingram_body(**OUR_USER))
        answer = await connect_again(auth, ingram_body(**SISTERS_USER, reseller="1000001"))

    assert (answer.status_code, [field["name"] for field in answer.json()["fields"]]) == (422, ["reseller"])


async def test_where_no_reseller_is_told_five_known_customers_decide(mongo: Mongo) -> None:
    providers = Marketplace(None, None)

    async with auth_over_http(mongo, providers.transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        providers.calls.clear()
        again = await connect(auth, ingram_body(**OUR_USER, password="canary-password-2"))
        asked = [path for path in providers.paths if path.startswith(f"GET {INGRAM}/customers/")]
        refused = await connect_again(auth, ingram_body(**SISTERS_USER))

    assert first["realm"] == "https://api.cloud.im/marketplace/na#us"
    assert again["integration_id"] == first["integration_id"]
    assert again["generation"] > first["generation"]
    assert asked[-5:] == [f"GET {INGRAM}/customers/{id_}" for id_ in OURS[:5]]
    assert (refused.status_code, [field["name"] for field in refused.json()["fields"]]) == (422, ["username"])
    assert "see not all of the customers" in refused.json()["detail"]


async def test_a_part_of_the_known_customers_is_not_enough_unless_a_person_vouches(mongo: Mongo) -> None:
    providers = Marketplace(None, None)

    async with auth_over_http(mongo, providers.transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        providers.seen_by["acme.api"] = OURS[1:]
        refused = await connect_again(auth, ingram_body(**OUR_USER))
        vouched = await connect(auth, ingram_body(**OUR_USER, same_reseller=True))
        again = await connect(auth, ingram_body(**OUR_USER))

    assert (refused.status_code, vouched["integration_id"]) == (422, first["integration_id"])
    assert first["generation"] < vouched["generation"] < again["generation"]


async def test_nobody_can_vouch_for_a_reseller_that_is_told_to_be_another(mongo: Mongo) -> None:
    async with auth_over_http(mongo, Marketplace().transport) as auth:
        await connect(auth, ingram_body(**OUR_USER))
        answer = await connect_again(auth, ingram_body(**SISTERS_USER, same_reseller=True))

    assert answer.status_code == 422


async def test_in_a_tree_of_resellers_the_newest_customers_may_name_another_one(mongo: Mongo) -> None:
    providers = Marketplace()

    async with auth_over_http(mongo, providers.transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        newest = [f"9{number}" for number in range(5)]
        providers.resellers |= dict.fromkeys(newest, "1000050")
        providers.seen_by["acme.api"] = [*newest, *OURS]
        second = await connect(auth, ingram_body(**OUR_USER))
        third = await connect(auth, ingram_body(**OUR_USER))
        refused = await connect_again(auth, ingram_body(**SISTERS_USER))

    assert {second["integration_id"], third["integration_id"]} == {first["integration_id"]}
    assert (third["realm"], refused.status_code) == (first["realm"], 422)


async def test_a_reseller_without_customers_cannot_be_told_from_another_until_it_has_some(
    mongo: Mongo,
) -> None:
    providers = Marketplace()
    providers.seen_by["acme.api"] = ()

    async with auth_over_http(mongo, providers.transport) as auth:
        first = await connect(auth, ingram_body(**OUR_USER))
        named = await connect_again(auth, ingram_body(**SISTERS_USER, reseller="1000002"))
        providers.seen_by["acme.api"] = OURS
        second = await connect(auth, ingram_body(**OUR_USER))
        refused = await connect_again(auth, ingram_body(**SISTERS_USER))

    assert (first["realm"], second["realm"]) == ("https://api.cloud.im/marketplace/na#us",) * 2
    assert second["integration_id"] == first["integration_id"]
    assert (named.status_code, refused.status_code) == (422, 422)


async def test_a_user_that_sees_no_customer_is_no_user_of_a_reseller_that_has_some(mongo: Mongo) -> None:
    providers = Marketplace()
    providers.seen_by["sister.api"] = ()

    async with auth_over_http(mongo, providers.transport) as auth:
        await connect(auth, ingram_body(**OUR_USER))
        answer = await connect_again(auth, ingram_body(**SISTERS_USER))

    assert answer.status_code == 422


@pytest.mark.parametrize("body", ["[]", "{}", '{"data": null}', '{"data": {"id": "27"}}'])
async def test_what_is_no_list_of_customers_proves_nothing(mongo: Mongo, body: str) -> None:
    providers = FakeProviders()
    providers.replies[f"{INGRAM}/customers"] = httpx.Response(200, text=body)

    async with auth_over_http(mongo, providers.transport) as auth:
        answer = await connect_again(auth, ingram_body())

    assert (answer.status_code, [field["name"] for field in answer.json()["fields"]]) == (422, ["base_url"])


@pytest.mark.parametrize(
    "row", ["7", "null", '{"id": null}', '{"id": true}', '{"id": ["27"]}', '{"id": "a b"}']
)
async def test_odd_rows_and_owners_tell_nothing(mongo: Mongo, row: str) -> None:
    providers = FakeProviders()
    odd = f'{{"data": [{row}, {{"id": "27", "resellerId": {{"id": 1}}}}]}}'
    providers.replies[f"{INGRAM}/customers"] = httpx.Response(200, text=odd)

    async with auth_over_http(mongo, providers.transport) as auth:
        integration = await connect(auth, ingram_body())

    assert integration["realm"] == "https://api.cloud.im/marketplace/na#us"


async def test_a_busy_marketplace_is_not_taken_for_another_reseller(mongo: Mongo) -> None:
    providers = FakeProviders()
    one = httpx.Response(200, json={"data": [{"id": "27", "name": "Contoso"}]})
    providers.replies |= {f"{INGRAM}/customers": one, f"{INGRAM}/customers/27": httpx.Response(404)}

    async with auth_over_http(mongo, providers.transport) as auth:
        await connect(auth, ingram_body())
        providers.replies[f"{INGRAM}/customers/27"] = httpx.Response(429, headers={"Retry-After": "300"})
        answer = await connect_again(auth, ingram_body())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "300")


async def test_who_connects_another_account_at_the_same_moment_is_told_to_try_again(mongo: Mongo) -> None:
    store, now = a_repository(mongo), utc_now()
    blank = await store.connect("demo", an_ingram(), now)
    ours, sisters = (AccountIdentity(owner=owner, known_ids=(owner,)) for owner in ("1000001", "1000002"))
    await store.connect("demo", an_ingram(), now, identity=ours, previous=blank)

    with pytest.raises(Conflict, match="try again"):
        await store.connect("demo", an_ingram(**SISTERS_USER), now, identity=sisters, previous=blank)

    assert (await store.get("demo", blank.integration_id)).identity == ours


async def test_no_customer_and_no_reseller_leaves_auth_but_for_the_realm(mongo: Mongo) -> None:
    async with auth_over_http(mongo, Marketplace(None, None).transport) as auth:
        answer = await connect(auth, ingram_body(**OUR_USER))
        [event] = await outbox_messages(mongo, IntegrationConnected)

    assert "identity" not in answer
    assert not [id_ for id_ in OURS if f'"{id_}"' in event.model_dump_json()]
