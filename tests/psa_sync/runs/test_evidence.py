"""What helps to recognise a company or a product is published when it changes; never a person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from connectwise import RecordingServer
from database_copies import RestorableMongo
from personal_data import EMAIL, FIRST_NAME, LAST_NAME, PHONE, STREET, PersonalDataWatch
from psa_runs import PsaRunHarness

from psa_sync.connectors.connectwise.connector import ConnectWiseConnector
from shared.contracts.base import Outcome
from shared.contracts.psa_sync import ProductObserved, PsaAccountObserved
from shared.mongo import Mongo
from shared.runtime.settings import MongoSettings
from shared.sync_engine.models import IntegrationState

COMPANY_EVIDENCE: list[dict[str, Any]] = [
    {"tax_id": "GB123456789"},
    {"domains": ("contoso.com",)},
    {"town": "Leeds"},
    {"postcode": "LS1"},
    {"country": "GB"},
    {"status": "Delinquent"},
    {"types": ("Client",)},
]
PRODUCT_EVIDENCE: list[dict[str, Any]] = [
    {"description": "For one workstation"},
    {"manufacturer_part_number": "EDR-1Y"},
    {"vendor": "Bitdefender"},
    {"category": "Security"},
    {"product_class": "Agreement"},
]


@pytest.mark.parametrize("evidence", COMPANY_EVIDENCE, ids=str)
async def test_evidence_of_a_company_publishes_that_company_and_nothing_else(
    mongo: Mongo, evidence: dict[str, Any]
) -> None:
    harness = PsaRunHarness(mongo)
    await harness.run()
    companies = harness.psa.listed_companies
    companies[1] = replace(companies[1], **evidence)

    await harness.run()

    (observed,) = harness.observations()
    assert isinstance(observed, PsaAccountObserved)
    assert observed.account_id == companies[1].company_id
    assert all(getattr(observed, name) == value for name, value in evidence.items())


@pytest.mark.parametrize("evidence", PRODUCT_EVIDENCE, ids=str)
async def test_evidence_of_a_product_publishes_that_product_and_nothing_else(
    mongo: Mongo, evidence: dict[str, Any]
) -> None:
    harness = PsaRunHarness(mongo)
    await harness.run()
    products = harness.psa.listed_products
    products[0] = replace(products[0], **evidence)

    await harness.run()

    (observed,) = harness.observations()
    assert isinstance(observed, ProductObserved)
    assert observed.product_id == products[0].product_id
    assert all(getattr(observed, name) == value for name, value in evidence.items())


PERSON = {"id": 9, "name": f"{FIRST_NAME} {LAST_NAME}", "email": EMAIL}
INFO = {"updatedBy": EMAIL, "lastUpdated": "2026-02-03T10:11:12Z"}
COMPANY: dict[str, Any] = {
    "id": 1,
    "identifier": "Contoso",
    "name": "Contoso",
    "status": {"id": 1, "name": "Active", "_info": {"note": EMAIL}},
    "types": [{"id": 1, "name": "Client"}, {"id": 2, "name": EMAIL}],
    "addressLine1": STREET,
    "addressLine2": f"c/o {FIRST_NAME} {LAST_NAME}",
    "city": "Leeds",
    "website": "https://www.contoso.example/team",
    "phoneNumber": PHONE,
    "faxNumber": PHONE,
    "defaultContact": PERSON,
    "billingContact": PERSON,
    "site": {"id": 1, "name": STREET},
    "invoiceToEmailAddress": EMAIL,
    "invoiceCCEmailAddress": EMAIL,
    "accountNumber": PHONE,
    "userDefinedField1": EMAIL,
    "customFields": [{"id": 1, "caption": "Owner", "value": EMAIL}],
    "territoryManager": PERSON,
    "deletedBy": EMAIL,
    "linkedInUrl": f"https://linkedin.com/in/{FIRST_NAME}-{LAST_NAME}",
    "_info": INFO,
}
# As people mistype them: addresses, telephone numbers and streets where they do not belong.
MISTYPED = {
    **COMPANY,
    "id": 2,
    "city": EMAIL,
    "zip": PHONE,
    "country": {"id": 1, "name": EMAIL, "identifier": PHONE},
    "website": EMAIL,
    "taxIdentifier": PHONE,
    "status": {"id": 1, "name": EMAIL},
}
PRODUCT: dict[str, Any] = {
    "id": 512,
    "identifier": "EDR",
    "description": "EDR",
    "customerDescription": f"Ask {FIRST_NAME} {LAST_NAME}, {EMAIL}",
    "notes": f"{FIRST_NAME} {LAST_NAME}, {PHONE}",
    "manufacturer": {"id": 1, "name": EMAIL},
    "vendor": {"id": 1, "name": EMAIL, "identifier": EMAIL},
    "vendorSku": EMAIL,
    "manufacturerPartNumber": EMAIL,
    "category": {"id": 1, "name": EMAIL},
    "productClass": EMAIL,
    "_info": INFO,
}


def answer(request: httpx.Request) -> httpx.Response:
    rows = {
        "companies": [COMPANY, MISTYPED],
        "catalog": [PRODUCT, {**PRODUCT, "id": 513, "customerDescription": PHONE}],
    }
    path = request.url.path
    if path.endswith("/count"):
        return httpx.Response(200, json={"count": len(rows.get(path.split("/")[-2], []))})
    return httpx.Response(200, json=rows.get(path.rpartition("/")[2], []))


async def test_nothing_of_a_person_is_published_stored_or_logged(mongo_settings: MongoSettings) -> None:
    @asynccontextmanager
    async def connect(_: IntegrationState) -> AsyncIterator[ConnectWiseConnector]:
        yield RecordingServer(answer).psa

    mongo = RestorableMongo(mongo_settings)
    harness = PsaRunHarness(mongo, connect=connect)
    with PersonalDataWatch() as watch:
        finished = await harness.run()

    traces = await watch.traces(mongo, [*harness.publisher.messages, finished])
    await mongo.close()
    assert {place: found for place, found in traces.items() if found} == {}
    contoso, mistyped = harness.published(PsaAccountObserved)
    assert finished.outcome is Outcome.COMPLETE
    assert (contoso.domains, contoso.town, contoso.types) == (("contoso.example",), "Leeds", ("Client",))
    assert (mistyped.domains, mistyped.town, mistyped.status) == (("contoso.example",), None, None)
    assert len(harness.published(ProductObserved)) == 2
