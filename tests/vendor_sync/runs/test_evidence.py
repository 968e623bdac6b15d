"""What helps to recognise an account is published when it changes; nothing else is, and never a person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

import httpx
import pytest
from database_copies import RestorableMongo
from ingram import ingram
from marketplace import FakeMarketplace, an_offer, customers
from personal_data import EMAIL, FIRST_NAME, LAST_NAME, PHONE, STREET, PersonalDataWatch
from vendor_runs import VendorRunHarness

from shared.contracts.base import Outcome, RunKind
from shared.contracts.vendor_sync import ServiceObserved, VendorAccountObserved, VendorAccountRead
from shared.mongo import Mongo, Put
from shared.runtime.settings import MongoSettings
from shared.sync_engine.models import IntegrationState
from vendor_sync.connectors.ingram_micro.connector import IngramMicroConnector


def a_harness(mongo: Mongo) -> VendorRunHarness:
    marketplace = FakeMarketplace(listed_customers=customers("c1", "c2"))
    marketplace.put(an_offer("s1", "offer 1", 4))
    return VendorRunHarness(mongo, marketplace)


@pytest.mark.parametrize("kind", RunKind)
@pytest.mark.parametrize(
    "evidence",
    [
        {"domains": ("contoso.com",)},
        {"tax_id": "GB123456789"},
        {"town": "Leeds"},
        {"postcode": "LS1"},
        {"country": "GB"},
    ],
    ids=str,
)
async def test_evidence_that_changed_publishes_its_account_and_nothing_else(
    mongo: Mongo, kind: RunKind, evidence: dict[str, Any]
) -> None:
    harness = a_harness(mongo)
    await harness.run("first")
    await harness.run("settled")
    harness.publisher.messages.clear()
    listed = harness.marketplace.listed_customers
    listed["c2"] = replace(listed["c2"], **evidence)

    await harness.run("second", kind)

    news = [one for one in harness.publisher.messages if not isinstance(one, VendorAccountRead)]
    assert [one.account_id for one in harness.published(VendorAccountObserved)] == ["c2"]
    assert len(news) == 1
    assert all(getattr(news[0], name) == value for name, value in evidence.items())


async def test_what_an_older_release_published_is_published_once_more_where_there_is_evidence(
    mongo: Mongo,
) -> None:
    harness = a_harness(mongo)
    await harness.run("first")
    await store_as_an_older_release(mongo)
    harness.publisher.messages.clear()
    listed = harness.marketplace.listed_customers
    listed["c2"] = replace(listed["c2"], town="Leeds")

    await harness.run("updated")
    assert [one.account_id for one in harness.published(VendorAccountObserved)] == ["c2"]
    assert harness.published(ServiceObserved) == []
    await harness.run("again")
    assert len(harness.published(VendorAccountObserved)) == 1


async def store_as_an_older_release(mongo: Mongo) -> None:
    """Stores what was last seen as a release stored it that knew no evidence."""
    stamps = {"run_id", "revision", "observed_at", "generation"}
    for model in (VendorAccountObserved, ServiceObserved):
        changes = []
        for row in await mongo.all_tenants("observations").find({"topic": model.topic}):
            seen = model.model_validate(row["body"])
            said = seen.model_dump_json(exclude=stamps | model.evidence_fields)
            body = seen.model_dump(mode="json", exclude=set(model.evidence_fields))
            changes.append(Put({**row, "digest": sha256(said.encode()).hexdigest(), "body": body}))
        await mongo.documents("observations", "demo").bulk(changes)


PERSON = {
    "type": "admin",
    "firstName": FIRST_NAME,
    "lastName": LAST_NAME,
    "email": EMAIL,
    "phoneNumber": PHONE,
    "login": EMAIL,
}
ADDRESSES = (
    {
        "streetAddress": STREET,
        "addressExtension": f"c/o {FIRST_NAME} {LAST_NAME}",
        "city": "Leeds",
        "countryCode": "GB",
    },
    # As people mistype them: an address, a telephone number and a street where they do not belong.
    {"streetAddress": STREET, "city": EMAIL, "postalCode": PHONE, "countryCode": EMAIL, "state": STREET},
    {"city": PHONE, "postalCode": STREET, "countryCode": PHONE},
    f"{FIRST_NAME} {LAST_NAME}, {STREET}",
)


def customer_rows() -> list[dict[str, Any]]:
    numbers = ["GB123456789", EMAIL, f"{FIRST_NAME} {LAST_NAME}", PHONE]
    rows = [
        {
            "id": f"10{number}",
            "name": f"Contoso {number}",
            "externalId": EMAIL,
            "status": "active",
            "address": address,
            "taxRegId": numbers[number],
            "contactPersons": [PERSON, EMAIL, {"email": {"value": EMAIL}}],
            "attributes": {"owner": EMAIL, "phone": PHONE},
            "notes": f"{FIRST_NAME} {LAST_NAME} {PHONE}",
        }
        for number, address in enumerate(ADDRESSES)
    ]
    return [*rows, {**rows[0], "id": "199", "contactPersons": {"0": PERSON}}]


def subscription_row() -> dict[str, Any]:
    parameters = [{"name": "contact", "value": EMAIL}, {"name": "phone", "value": PHONE}]
    return {
        "id": "501",
        "customerId": "100",
        "name": "Business Basic",
        "status": "active",
        "attributes": {"owner": EMAIL},
        "orderParameters": parameters,
        "fulfillmentParameters": parameters,
        "products": [
            {"id": "P1", "mpn": "CFQ7:0001", "vendor": "Microsoft", "name": "Business Basic", "quantity": 3}
        ],
    }


def answer(request: httpx.Request) -> httpx.Response:
    path, status = request.url.path.rpartition("/na/")[2], request.url.params.get("status", "active")
    if path == "subscriptions/501":
        return httpx.Response(200, json=subscription_row())
    rows = customer_rows() if path == "customers" else [subscription_row()] if status == "active" else []
    return httpx.Response(200, json={"data": rows, "pagination": {"total": len(rows)}})


async def test_nothing_of_a_person_is_published_stored_or_logged(mongo_settings: MongoSettings) -> None:
    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[IngramMicroConnector]:
        async with ingram(answer) as marketplace:
            yield marketplace

    mongo = RestorableMongo(mongo_settings)
    harness = VendorRunHarness(mongo, connect=connect)
    with PersonalDataWatch() as watch:
        finished = await harness.run()

    traces = await watch.traces(mongo, [*harness.publisher.messages, finished])
    await mongo.close()
    assert {place: found for place, found in traces.items() if found} == {}
    observed = {one.account_id: one for one in harness.published(VendorAccountObserved)}
    assert finished.outcome is Outcome.COMPLETE
    assert (observed["100"].domains, observed["100"].town) == (("contoso.example",), "Leeds")
    assert len(observed) == 5
