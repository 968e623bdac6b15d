"""Every answer and every body of the sandbox fits the vendors' published schemas.

The specifications are third-party texts that the repository does not contain: where they do not lie
beside it, `conftest.py` leaves this module out.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema_path.readers import FilePathReader
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from sandboxes import ORIGIN, SPECS, Sandbox

INGRAM, CONNECTWISE = SPECS / "ingram-micro-simpleapi-1.15.yaml", SPECS / "connectwise-subset.json"
MEDIA_TYPE = "application/vnd.connectwise.com+json"


@pytest.fixture(scope="module")
def marketplace_api() -> OpenAPI:
    document = _read(INGRAM)
    document["servers"] = [{"url": f"{ORIGIN}/marketplace/na"}]
    for name in ("OrderParameterValue", "FulfilmentParameterValue"):
        # Published as objects; vendor examples and live observations show plain texts.
        del document["components"]["schemas"][name]["properties"]["value"]["type"]
    return OpenAPI.from_dict(document)


@pytest.fixture(scope="module")
def psa_api() -> OpenAPI:
    document = _read(CONNECTWISE)
    document["servers"] = [{"url": f"{ORIGIN}/v2025_1/apis/3.0"}]
    return OpenAPI.from_dict(document, config=Config(extra_media_type_deserializers={MEDIA_TYPE: _decoded}))


@pytest.mark.parametrize(
    "path",
    ["customers", "customers/{vendor_account_id}", "subscriptions", "subscriptions?status=removed"],
)
async def test_the_marketplaces_answers_fit_its_specification(
    sandbox: Sandbox, marketplace_api: OpenAPI, path: str
) -> None:
    part = await sandbox.part("increase")

    answer = await sandbox.ingram.get(path.format(**part))

    assert answer.json()
    validate(marketplace_api, answer)


@pytest.mark.parametrize("month", ["before", "after"])
async def test_every_subscriptions_detail_fits_the_specification(
    sandbox: Sandbox, marketplace_api: OpenAPI, month: str
) -> None:
    if month == "after":
        await sandbox.control("month-passes", {})

    for row in (await sandbox.ingram.get("subscriptions?limit=500")).json()["data"]:
        validate(marketplace_api, await sandbox.ingram.get(f"subscriptions/{row['id']}"))


@pytest.mark.parametrize(
    "path",
    [
        "company/companies",
        "company/companies/count",
        "procurement/catalog",
        "finance/agreements",
        "finance/agreements?conditions=cancelledFlag = false&pageSize=2&page=2&orderBy=id asc",
        "finance/agreements/{agreement}/additions",
        "finance/agreements/{agreement}/additions/count",
        "finance/agreements/{agreement}/additions/{addition}",
    ],
)
async def test_the_psas_answers_fit_its_specification(sandbox: Sandbox, psa_api: OpenAPI, path: str) -> None:
    part = await sandbox.part("increase")

    answer = await sandbox.connectwise.get(
        path.format(agreement=part["agreement_ids"][0], addition=part["addition_ids"][0])
    )

    assert answer.status_code == 200
    validate(psa_api, answer)


@pytest.mark.parametrize("value", [14, "14", 2.5])
async def test_a_patch_and_its_answer_fit_the_specification(
    sandbox: Sandbox, psa_api: OpenAPI, value: Any
) -> None:
    answer = await sandbox.connectwise.patch(
        await sandbox.line_path(), json=[{"op": "replace", "path": "quantity", "value": value}]
    )

    assert answer.status_code == 200
    validate(psa_api, answer)


@pytest.mark.parametrize("key", ["EDR-SEAT"])
async def test_a_new_line_and_its_answer_fit_the_specification(
    sandbox: Sandbox, psa_api: OpenAPI, key: str
) -> None:
    lines = (await sandbox.line_path()).rpartition("/")[0]

    answer = await sandbox.connectwise.post(
        lines, json={"product": {"identifier": key}, "billCustomer": "Billable", "quantity": 4}
    )

    assert answer.status_code == 201
    validate(psa_api, answer)


@pytest.mark.parametrize("path", ["company/companies?conditions=x=1", "company/companies/1"])
async def test_the_psas_errors_fit_its_specification(sandbox: Sandbox, psa_api: OpenAPI, path: str) -> None:
    answer = await sandbox.connectwise.get(path)

    assert answer.status_code in (400, 404)
    validate(psa_api, answer)


@pytest.mark.parametrize("quantity", ["ten"])
async def test_the_validation_itself_notices_a_quantity_that_is_a_text(
    sandbox: Sandbox, psa_api: OpenAPI, quantity: str
) -> None:
    answer = await sandbox.connectwise.get(await sandbox.line_path())
    spoilt = json.dumps(answer.json() | {"quantity": quantity}).encode()

    with pytest.raises(OpenAPIError):
        validate(
            psa_api,
            httpx.Response(200, content=spoilt, headers=answer.headers, request=answer.request),
        )


def _read(specification: Path) -> dict[str, Any]:
    document, _ = FilePathReader(str(specification)).read()
    return dict(document)


def _decoded(body: bytes, **_parameters: str) -> Any:
    """The vendor's media type is JSON; its `version` parameter is handed over, too."""
    return json.loads(body)


def validate(api: OpenAPI, answer: httpx.Response) -> None:
    """Raise if the request or its answer does not fit."""
    sent = answer.request
    request = MockRequest(
        ORIGIN,
        sent.method,
        sent.url.path,
        args=dict(sent.url.params),
        headers=dict(sent.headers),
        data=sent.content or None,
    )
    api.validate_request(request)
    api.validate_response(
        request,
        MockResponse(answer.content, answer.status_code, content_type=answer.headers["content-type"]),
    )
